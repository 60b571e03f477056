// An import may only go left: contract ← trace ← train ← export ← cli; contract ← edge ← cli;
// contract ← client ← web; train, export ← web/train.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PAGE_LAYERS } from '../../cli/page.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What each layer may import of ours, besides itself. */
const MAY_IMPORT = {
  contract: [],
  trace: ['contract'],
  train: ['contract', 'trace'],
  export: ['contract', 'trace', 'train'],
  edge: ['contract'],
  client: ['contract'],
  web: ['contract', 'client'],
  cli: ['contract', 'trace', 'train', 'export', 'edge'],
} as const satisfies Record<string, readonly string[]>;
type Layer = keyof typeof MAY_IMPORT;
const LAYERS = Object.keys(MAY_IMPORT) as Layer[];

/** Packages that a layer must do without: what runs on the edge and in a page stays small, the contract runs anywhere. */
const FORBIDDEN: Partial<Record<Layer, RegExp>> = {
  contract: /^(node:|onnxruntime|@tensorflow\/)/,
  trace: /^(node:|onnxruntime)/,
  edge: /^@tensorflow\//,
  client: /^(node:|onnxruntime-node|@tensorflow\/)/,
  web: /^(node:|onnxruntime-node|@tensorflow\/)/,
};

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\bnew URL\(\s*)['"]([^'"]+)['"]/g;

/** Without what `npm run build:packages` has made. */
const sources = (dir: string): string[] =>
  readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((name) => /\.(ts|js|mjs)$/.test(name) && !/(^|[\\/])(public|dist)[\\/]/.test(name));

function importsOf(file: string): string[] {
  // Comments may quote an import.
  const text = readFileSync(join(ROOT, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? '');
}

/** The file a relative import names, from the top of the repository. */
const target = (file: string, specifier: string): string =>
  relative(ROOT, resolve(ROOT, dirname(file), specifier.replace(/[?#].*$/, '')));

const layerOf = (file: string): string => file.split(sep)[0] ?? '';

/** Configuration at the top of the repository, what `npm run build` has made and files of packages are no layers. */
const isNoLayer = (file: string): boolean => !file.includes(sep) || ['dist', 'node_modules'].includes(layerOf(file));

/** The page's trainer is the command's: it has what neither Node nor an ONNX Runtime comes with, which a test below holds. */
const isTrainer = (file: string): boolean => file.startsWith(join('web', 'train'));
const TRAINER = /^(train|export)[\\/]/;
/** All of tfjs that it has. */
const TRACED = join('web', 'train', 'tfjs.ts');

/** Vite's plugins run in Node while the page is built. */
const isBuildTool = (file: string): boolean => file.startsWith(join('web', 'build'));

describe.each(LAYERS)('%s/', (layer) => {
  const files = sources(layer);

  test('imports only what is left of it', () => {
    expect(files.length).toBeGreaterThan(3);
    const allowed: readonly string[] = [layer, ...MAY_IMPORT[layer]];
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier))
        .filter((to) => !allowed.includes(layerOf(to)) && !isNoLayer(to) && !(isTrainer(file) && TRAINER.test(to)))
        .map((to) => `${file} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('does without the packages that do not belong there', () => {
    const forbidden = FORBIDDEN[layer];
    const wrong = files
      .filter((file) => !isBuildTool(file) && file !== TRACED)
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => forbidden?.test(specifier))
          .map((specifier) => `${file} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  test('relative imports name files that exist', () => {
    const missing = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.') && /\.\w+$/.test(specifier))
        .map((specifier) => target(file, specifier))
        .filter((to) => !statSync(join(ROOT, to), { throwIfNoEntry: false }))
        .map((to) => `${file} imports ${to}, which does not exist`),
    );
    expect(missing).toEqual([]);
  });
});

test('the README says what each layer may import', () => {
  const rows = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^\| `(\w+)\/` \| .* \| (.*) \|$/gm);
  const told = [...rows].map(([, layer = '', may = '']) => {
    const [own = '', trainer] = may.split('; ');
    if (layer === 'web') expect(trainer).toBe('its trainer `web/train/` also train and export');
    else expect(trainer).toBeUndefined();
    return [layer, own === 'nothing of ours' ? [] : own.split(', ')];
  });
  expect(Object.fromEntries(told)).toEqual(MAY_IMPORT);
});

test('the page is built anew after a change of anything that it is built from', () => {
  const layers: readonly string[] = PAGE_LAYERS;
  const imported = layers.flatMap((layer) =>
    sources(layer).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier))
        .filter((to) => !layers.includes(layerOf(to)) && !isNoLayer(to))
        .map((to) => `${file} imports ${to}`),
    ),
  );
  expect(imported).toEqual([]);
});

/** Rooms of train/, each with those it may import of the others. The loop and the recipe stand above and between them. */
const TRAIN_ROOMS = {
  nn: [],
  families: ['nn'],
  data: ['nn', 'families'],
  engines: ['nn', 'families'],
  store: ['nn', 'data'],
  report: ['nn', 'families', 'data', 'engines', 'store'],
  eval: ['nn', 'families', 'data', 'engines', 'store', 'report'],
} as const satisfies Record<string, readonly string[]>;

describe.each(Object.entries(TRAIN_ROOMS))('train/%s/', (room, allowed: readonly string[]) => {
  const files = sources(join('train', room));

  test('imports only the rooms before it', () => {
    expect(files.length).toBeGreaterThan(3);
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier).split(sep))
        .filter(
          ([layer, to = '', ...rest]) => layer === 'train' && rest.length > 0 && to !== room && !allowed.includes(to),
        )
        .map((to) => `${file} imports ${to.join('/')}`),
    );
    expect(wrong).toEqual([]);
  });
});

test.each(['nn', 'families'])('train/%s/ runs anywhere', (room) => {
  const wrong = sources(join('train', room)).filter((file) =>
    importsOf(file).some((specifier) => /^(node:|onnxruntime)/.test(specifier)),
  );
  expect(wrong).toEqual([]);
});

/** A file and all that it loads, with the packages: imports of types are gone when it runs. */
function loadedBy(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const text = readFileSync(join(ROOT, file), 'utf8')
    .replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')
    .replace(/^(import|export) type [^;]*;/gm, '');
  const specifiers = [...text.matchAll(IMPORT)].map((match) => match[1] ?? '');
  seen.set(
    file,
    specifiers.filter((specifier) => !specifier.startsWith('.')),
  );
  for (const specifier of specifiers) if (/^\..*\.ts$/.test(specifier)) loadedBy(target(file, specifier), seen);
  return seen;
}

test.each([
  ['the loop', join('train', 'loop.ts')],
  ['the families', join('train', 'families', 'models.ts')],
  ['engine onnx', join('train', 'engines', 'onnx.ts')],
  ['the forecast', join('train', 'report', 'forecast.ts')],
  ['the generator of a run', join('export', 'weights.ts')],
  ['the history of a run', join('export', 'history.ts')],
  ['a bundle as bytes', join('export', 'bundle.ts')],
  ['the page’s trainer', join('web', 'train', 'trainer.ts')],
])('%s runs anywhere: with all it loads it needs neither Node nor an ONNX Runtime', (_, file) => {
  const loaded = loadedBy(file);
  expect(loaded.size).toBeGreaterThan(2);
  const wrong = [...loaded].flatMap(([from, packages]) =>
    packages.filter((name) => /^(node:|onnxruntime|sharp|yauzl)/.test(name)).map((name) => `${from} loads ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('train/ has a room for every file but the loop, what runs it in a folder, the recipe and the trainer that is carried on', () => {
  const top = [...new Set(sources('train').map((file) => file.split(sep)[1] ?? ''))];
  const alone = ['in-folder.ts', 'loop.ts', 'recipe.ts', 'trainer.ts'];
  expect(top.sort()).toEqual([...Object.keys(TRAIN_ROOMS), ...alone].sort());
});

test('which family it is, only the families know, and the recipe’s presets say', () => {
  const asking = LAYERS.flatMap((layer) => sources(layer)).filter((file) =>
    /['"](gan|vae)['"]/.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  const families = join('train', 'families');
  expect(asking.filter((file) => !file.startsWith(families))).toEqual([join('train', 'recipe.ts')]);
});

test('what is packed imports no package that those who install it would not get', () => {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const had = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies), 'pocketgen']);
  const nameOf = (specifier: string): string => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
  const isOfTheWorker = (file: string): boolean => /^edge[\\/](worker|build|cloudflare\.d)\.ts$/.test(file);
  const wrong = (['contract', 'trace', 'train', 'export', 'edge', 'cli'] as const)
    .flatMap((layer) => sources(layer))
    .filter((file) => !isOfTheWorker(file))
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (specifier) => /^[@a-z]/.test(specifier) && !specifier.startsWith('node:') && !had.has(nameOf(specifier)),
        )
        .map((specifier) => `${file} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});

test('nothing that ships imports tests or benchmarks', () => {
  const wrong = LAYERS.flatMap((layer) => sources(layer)).filter((file) =>
    importsOf(file).some((specifier) => /^(\.\.\/)+(tests|bench)\//.test(specifier)),
  );
  expect(wrong).toEqual([]);
});

test('the import finder sees every form of import', () => {
  const text = [
    "import { a } from './a.ts';",
    "import './b.ts';",
    "export * from './c.ts';",
    "const d = await import('./d.ts');",
    "import type { E } from './e.ts';",
    "new Worker(new URL('./f.ts', import.meta.url));",
  ].join('\n');
  expect([...text.matchAll(IMPORT)].map((m) => m[1])).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map((x) => `./${x}.ts`));
});
