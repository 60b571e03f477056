// `npm run build`: the web client from web/ into dist/web, with the model bundles, the service worker and compressed
// copies of the large files. Works under any path of any static host (relative addresses).
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compressPlugin } from './web/build/compress.ts';
import { edgeOf } from './web/build/edge.ts';
import { fontsPlugin } from './web/build/fonts.ts';
import { headersPlugin } from './web/build/headers.ts';
import { modelsPlugin } from './web/build/models.ts';
import { screenshotsPlugin } from './web/build/screenshots.ts';
import { serviceWorkerPlugin } from './web/build/service-worker.ts';

export default defineConfig({
  root: 'web',
  base: './',
  publicDir: 'public',
  // The entries of onnxruntime-web that load their .wasm from a given address: the others make bundlers emit it twice.
  resolve: {
    alias: [{ find: /^@tensorflow\/tfjs$/, replacement: fileURLToPath(new URL('web/train/tfjs.ts', import.meta.url)) }],
    conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'],
  },
  define: {
    // Where /v1/images lives: relative to the page (one Worker serves both), another origin, or `none`.
    __EDGE__: JSON.stringify(edgeOf(process.env.POCKETGEN_EDGE)),
  },
  // The trainer hashes in any case; that the page fetches the code for it only where it must, is no loss there.
  worker: { format: 'es', rolldownOptions: { checks: { ineffectiveDynamicImport: false } } },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Hosts know the type of .js; nginx, for one, not that of .mjs, and browsers run no script of another type.
        assetFileNames: ({ names: [name = ''] }) =>
          `assets/[name]-[hash]${name.endsWith('.mjs') ? '.js' : '[extname]'}`,
      },
    },
    chunkSizeWarningLimit: 1000,
  },
  plugins: [
    fontsPlugin(),
    modelsPlugin(),
    screenshotsPlugin(),
    serviceWorkerPlugin(),
    headersPlugin(),
    compressPlugin(),
  ],
});
