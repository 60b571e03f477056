// Vite plugin: builds offline/worker.ts into sw.js with the list of files it precaches: the page itself, not the
// models and runtimes, which the page downloads with a visible progress bar.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { build, type Plugin } from 'vite';

const NOT_PRECACHED =
  /^(models\/|screenshots\/|sw\.js|_headers|\.assetsignore)|\.(br|map|wasm)$|^assets\/(ort[.-]|trainer-)/;
const HASHED = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;

export interface PrecacheEntry {
  url: string;
  revision: string | null;
  /** What a host answers in place of a file must not become the page. index.html has none: hosts add lines to it. */
  integrity?: string;
}

export function precacheList(folder: string): PrecacheEntry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((name) => name.split(sep).join('/'))
    .filter((name) => !NOT_PRECACHED.test(name))
    .sort()
    .map((url) => {
      const hash = createHash('sha256')
        .update(readFileSync(join(folder, url)))
        .digest();
      const revision = HASHED.test(url) ? null : hash.toString('hex').slice(0, 16);
      return url.endsWith('.html')
        ? { url, revision }
        : { url, revision, integrity: `sha256-${hash.toString('base64')}` };
    });
}

export function serviceWorkerPlugin(): Plugin {
  let root = '';
  let outDir = '';
  return {
    name: 'pocketgen-service-worker',
    apply: (config, { command }) => command === 'build' && config.build?.write !== false,
    enforce: 'post',
    configResolved(config) {
      root = config.root;
      outDir = resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      sequential: true,
      async handler() {
        await build({
          configFile: false,
          root,
          logLevel: 'warn',
          publicDir: false,
          define: { __PRECACHE__: JSON.stringify(precacheList(outDir)), 'process.env.NODE_ENV': '"production"' },
          build: {
            outDir,
            emptyOutDir: false,
            target: 'es2022',
            lib: { entry: join(root, 'offline', 'worker.ts'), formats: ['iife'], name: 'sw', fileName: () => 'sw.js' },
          },
        });
      },
    },
  };
}
