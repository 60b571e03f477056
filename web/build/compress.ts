// Vite plugin: a brotli copy (`file.br`) next to every large text or wasm file, for servers that send those and cannot
// compress as well by themselves. The best quality takes most of a minute for a wasm file, so results are kept by content.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Plugin } from 'vite';
import { parseManifest } from '../../contract/manifest.ts';

const KINDS = /\.(js|mjs|css|html|svg|json|webmanifest|wasm|onnx)$/;
const CACHE = join('node_modules', '.cache', 'pocketgen', 'brotli');

/**
 * POCKETGEN_BROTLI: quality 0 (no copies) to 11. `npm run build` makes the copies that are published and takes its time;
 * builds on the way to something else (npm start) are quick. The wasm runtime: 5 → 2.86 MB, 10 → 2.39, 11 → 2.30.
 */
function quality(): number {
  const text = process.env.POCKETGEN_BROTLI ?? (process.env.npm_lifecycle_event === 'build' ? '11' : '5');
  const asked = Number(text);
  if (!Number.isInteger(asked) || asked < 0 || asked > 11)
    throw new Error(`POCKETGEN_BROTLI: expected an integer from 0 to 11, got ${text}`);
  return asked;
}

async function compressed(bytes: Buffer, level: number): Promise<Buffer> {
  const kept = join(CACHE, `${createHash('sha256').update(bytes).digest('hex')}-${level}`);
  if (existsSync(kept)) return readFileSync(kept);
  const out = await promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: level,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  if (bytes.length > 1_000_000) {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(`${kept}.${process.pid}`, out);
    renameSync(`${kept}.${process.pid}`, kept);
  }
  return out;
}

/** Networks in other variants than their bundles' default ones, which no page downloads unless it is told to: most of the bytes there are. */
function seldomAsked(folder: string, names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names
      .filter((name) => basename(name) === 'model.json')
      .flatMap((name) => {
        const { files, defaultVariant } = parseManifest(JSON.parse(readFileSync(join(folder, name), 'utf8')));
        return files.flatMap(({ variant, path }) => (variant === defaultVariant ? [] : [join(dirname(name), path)]));
      }),
  );
}

export function compressPlugin(): Plugin {
  let folder = '';
  return {
    name: 'pocketgen-compress',
    apply: (config, { command }) => command === 'build' && config.build?.write !== false,
    enforce: 'post',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      sequential: true,
      order: 'post',
      async handler() {
        const level = quality();
        if (level === 0) return;
        const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => KINDS.test(name));
        const seldom = seldomAsked(folder, names);
        await Promise.all(
          names.map(async (name) => {
            if (seldom.has(name)) return;
            const bytes = readFileSync(join(folder, name));
            if (bytes.length > 1_000) writeFileSync(join(folder, `${name}.br`), await compressed(bytes, level));
          }),
        );
      },
    },
  };
}
