// What `npm ci` of a fresh clone does, as far as files decide it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';

const json = (path: string) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));

test('npx pocketgen can run the command of a checkout, whatever git restores', () => {
  expect(statSync(new URL('../../bin/pocketgen.mjs', import.meta.url)).mode & 0o111).toBe(0o111);
});

test('no npm runs onnxruntime-node’s install script, which would download CUDA libraries', () => {
  // npm 10 runs the scripts that the lock file says a package has; npm 11 asks allowScripts.
  expect(json('package-lock.json').packages['node_modules/onnxruntime-node']).not.toHaveProperty('hasInstallScript');
  expect(json('package.json').allowScripts['onnxruntime-node']).toBe(false);
  // Its setting in .npmrc is one that npm 11 does not know and warns of at every command.
  expect(existsSync(new URL('../../.npmrc', import.meta.url))).toBe(false);
});
