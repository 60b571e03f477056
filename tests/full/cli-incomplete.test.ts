// An installation with parts missing: what needs them says so in one sentence, what does not works.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
let hook: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-incomplete-'));
  hook = join(folder, 'hook.mjs');
  // What Node says of a library for another machine.
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name === 'onnxruntime-node') throw new Error('libonnxruntime.so.1: cannot open shared object file');
  return next(name, context);
} });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/node', ['--import', hook, 'cli/main.ts', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

test.each([['--help'], ['start', '--help'], ['eval', '--help'], ['train', '--dry-run']])(
  'without onnxruntime’s library: %s %s works',
  (...args) => {
    const { status, stdout } = run(...args);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/Usage: pocketgen|"preset": "quick"/)]);
  },
);

test('without onnxruntime’s library, what computes with it says so in one sentence', () => {
  const { status, stderr } = run('verify', 'models/fashion-gan');
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^onnxruntime-node: expected its library for \S+ \S+, got: libonnxruntime\.so\.1: cannot open .*; run npm ci on this machine\n$/,
  );
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
