// `npx size-limit`, after npm run build:packages: what the client's code weighs, minified and gzipped, without ONNX Runtime.

/** What is imported when it is needed is not part of what importing costs. */
const later = {
  name: 'later',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};
const asModule = (config) => ({ ...config, format: 'esm' });
const atFirst = (config) => ({ ...asModule(config), plugins: [...(config.plugins ?? []), later] });

export default [
  {
    name: '@pocketgen/client: importing it',
    path: 'client/dist/index.js',
    modifyEsbuildConfig: atFirst,
    gzip: true,
    limit: '20 kB',
  },
  {
    name: '@pocketgen/client: with all it may load later, and its worker',
    path: ['client/dist/index.js', 'client/dist/worker.js'],
    modifyEsbuildConfig: asModule,
    gzip: true,
    limit: '60 kB',
  },
  {
    name: '@pocketgen/client/element: importing it',
    path: 'client/dist/element/index.js',
    modifyEsbuildConfig: atFirst,
    gzip: true,
    limit: '5 kB',
  },
];
