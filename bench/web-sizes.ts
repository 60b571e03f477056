// What the page weighs: every file of the built site raw and in brotli, and the page's own code apart from libraries.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

export interface FileSize {
  name: string;
  bytes: number;
  /** As sent: the .br copy's, else compressed here; undefined for what is compressed already. */
  brotli: number | undefined;
}

const COMPRESSED = /\.(png|woff2)$/;

export function fileSizes(site: string): FileSize[] {
  return readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[a-z0-9]+$/.test(name) && !name.endsWith('.br'))
    .map((name) => {
      const path = join(site, name);
      const bytes = readFileSync(path);
      const kept = existsSync(`${path}.br`) ? readFileSync(`${path}.br`).length : undefined;
      const small = bytes.length < 2_000_000 ? brotliCompressSync(bytes).length : undefined;
      return { name, bytes: bytes.length, brotli: COMPRESSED.test(name) ? undefined : (kept ?? small) };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

/**
 * Gzip bytes of the page's own script and style, minified, without libraries: everything from node_modules is left out
 * of a build of its own. `drawing` is what putting a picture in adds when it is first opened, style included, `completing` what rubbing out adds to that, and `making` what
 * making a model does, but for the trainer; how it works, with what reads a network
 * for it, is left out, too.
 */
export async function ownCode(): Promise<{
  script: number;
  style: number;
  drawing: number;
  completing: number;
  making: number;
}> {
  const built = await build({
    logLevel: 'silent',
    plugins: [
      {
        name: 'leave-libraries-out',
        enforce: 'pre',
        resolveId(id) {
          // Relative imports and Vite's own are ours; a bare name is a library.
          if (/^[.\0/]/.test(id) || id.startsWith('virtual:') || id.includes('?url') || id.includes('.css'))
            return null;
          return /^(@fontsource|onnxruntime-web)/.test(id) ? null : { id, external: true };
        },
      },
    ],
    build: { write: false },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []));
  const gzip = (pattern: RegExp) =>
    outputs
      .filter(({ fileName }) => pattern.test(fileName))
      .reduce((sum, one) => sum + gzipSync(one.type === 'chunk' ? one.code : one.source).length, 0);
  return {
    script: gzip(
      /^assets\/(?!ort[.-]|sha2-|drawing-|photo-|tools-|completing-|making-|drawn-|trainer-|how-|network-).*\.js$/,
    ),
    style: gzip(/^assets\/(?!drawing-|tools-|completing-|making-).*\.css$/),
    drawing: gzip(/^assets\/(drawing|photo|tools)-.*\.(js|css)$/),
    completing: gzip(/^assets\/completing-.*\.(js|css)$/),
    making: gzip(/^assets\/(making|drawn)-.*\.(js|css)$/),
  };
}
