// An installation with parts missing: what needs them says so in one sentence, what does not works.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-incomplete-'));
  const hook = (test: string, message: string): string => `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (${test}.test(name)) throw new Error(${message});
  return next(name, context);
} });`;
  // What Node says of a library for another machine.
  const foreign = "'libonnxruntime.so.1: cannot open shared object file'";
  writeFileSync(join(folder, 'foreign.mjs'), hook('/^onnxruntime-node$/', foreign));
  // What it says after `npm install --omit=optional`.
  const none = `\`Cannot find package '\${name}' imported from x.js\``;
  writeFileSync(join(folder, 'omitted.mjs'), hook('/^(onnxruntime-node|sharp|@tensorflow\\/tfjs)$/', none));
});
afterAll(() => rmSync(folder, { recursive: true }));

const runWith = (hook: 'foreign' | 'omitted', ...args: string[]) => {
  const command = ['--import', join(folder, `${hook}.mjs`), 'cli/main.ts', ...args];
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/node', command, { encoding: 'utf8' });
  return { status, stdout, stderr };
};
const run = (...args: string[]) => runWith('foreign', ...args);

test.each([['--help'], ['start', '--help'], ['eval', '--help'], ['train', '--dry-run']])(
  'without onnxruntime’s library: %s %s works',
  (...args) => {
    const { status, stdout } = run(...args);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/Usage: pocketgen|"preset": "quick"/)]);
  },
);

test('without onnxruntime’s library, what computes with it says so in one sentence', () => {
  const { status, stderr } = run('sample', 'models/fashion-gan', '--provider', 'cpu', '--out', join(folder, 'a.png'));
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^onnxruntime-node: expected its library for \S+ \S+, got: libonnxruntime\.so\.1: cannot open .*; install the packages anew on this machine, without --omit=optional\n$/,
  );
});

test('without onnxruntime’s library, a bundle is verified on wasm, and why not on the CPU is told', () => {
  const { status, stdout, stderr } = run('verify', 'models/fashion-gan');
  // Generator and encoder in three variants each.
  expect([status, stdout.match(/ on \w+/g)]).toEqual([0, Array(6).fill(' on wasm')]);
  expect(stderr).toMatch(/^checked on wasm only: onnxruntime-node: expected its library .*\n$/);
});

test('without the optional packages, what a server and its publisher do works', () => {
  const picture = join(folder, 'b.png');
  for (const args of [
    ['--help'],
    ['--version'],
    ['serve', '--help'],
    ['dataset', 'info', 'fashion-mnist', '--offline'],
    ['verify', 'models/fashion-gan'],
    ['sample', 'models/fashion-gan', '--out', picture],
    ['upgrade', 'models/fashion-gan'],
    ['publish', 'models/fashion-gan', '--to', join(folder, 'store')],
    ['list', '--to', join(folder, 'store')],
  ]) {
    const { status, stderr } = runWith('omitted', ...args);
    expect(`${args.join(' ')}: ${status}`, stderr).toBe(`${args.join(' ')}: 0`);
  }
  expect(existsSync(picture)).toBe(true);
});

test.each([
  ['@tensorflow/tfjs', ['train', '--dry-run']],
  ['sharp', ['dataset', 'info', 'docs/screenshots']],
])('without %s, what needs it says how to install it', (name, args) => {
  const { status, stdout, stderr } = runWith('omitted', ...args);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(new RegExp(`^${name}: expected the package .*; run npm install ${name}@\\S+\\n$`));
});

test('before npm ci, every command is one sentence', () => {
  cpSync('bin', join(folder, 'bin'), { recursive: true });
  for (const node of [process.execPath, 'node']) {
    const { status, stderr } = spawnSync(node, [join(folder, 'bin/pocketgen.mjs'), 'start'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      1,
      'pocketgen: expected its packages to be installed, got none; run npm ci first\n',
    ]);
  }
});

test('installed without install scripts, on a Node that reads no TypeScript, every command is one sentence', () => {
  cpSync('bin', join(folder, 'bin'), { recursive: true });
  cpSync('cli/main.ts', join(folder, 'cli/main.ts'));
  cpSync('node_modules/commander', join(folder, 'node_modules/commander'), { recursive: true });
  // An older Node says of itself what this one says with the flag.
  const args = ['--no-experimental-strip-types', join(folder, 'bin/pocketgen.mjs'), 'start'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([
    1,
    `pocketgen: expected Node 22.18 or later, got ${process.version}; run npm ci (with install scripts), it brings one\n`,
  ]);
  rmSync(join(folder, 'node_modules'), { recursive: true });
});
