// webpack needs no loader for the client: it finds the worker and the wasm by their `new URL(…, import.meta.url)`.
import { fileURLToPath } from 'node:url';

export default {
  mode: 'production',
  context: fileURLToPath(new URL('.', import.meta.url)),
  entry: './main.js',
  // ONNX Runtime's are downloaded once, by whoever draws, and kept.
  performance: { assetFilter: (name) => !name.endsWith('.wasm') },
  output: { path: fileURLToPath(new URL('./dist', import.meta.url)) },
};
