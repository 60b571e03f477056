// Bundles of earlier formats and broken ones, through the command line as a user types it: named in a sentence, and upgraded.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { Manifest } from '../../contract/manifest.ts';
import { CLEAR, COLOUR, PLAIN } from '../fast/edge-fixture.ts';
import { tinyFolder } from '../fast/edge-services.ts';

const BIN = fileURLToPath(new URL('../../bin/pocketgen.mjs', import.meta.url));
const { folder, remove } = await tinyFolder(COLOUR, PLAIN, CLEAR);
afterAll(remove);

async function pocketgen(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [BIN, ...args])) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

const bundle = (name: string) => join(folder, name);
const read = (name: string): Manifest => JSON.parse(readFileSync(join(bundle(name), 'model.json'), 'utf8'));
const write = (name: string, manifest: object) =>
  writeFileSync(join(bundle(name), 'model.json'), JSON.stringify(manifest));

test('bundles of formats 1 and 2 are named by every command, and upgraded in place where they draw as before', async () => {
  const [colour, plain, clear] = [read('tiny-colour'), read('tiny-plain'), read('tiny-clear')];
  write('tiny-colour', { ...colour, formatVersion: 2 });
  const { defaultTruncation: _, ...first } = plain;
  write('tiny-plain', { ...first, formatVersion: 1, metrics: { fid: 3 } });
  // RGBA meant something else before format 3, so its goldens are others.
  const goldens = clear.goldens.map((golden) => {
    const pixels = Buffer.from(golden.pixels, 'base64').map((level) => level ^ 64);
    const sha256 = createHash('sha256').update(pixels).digest('hex');
    return { ...golden, sha256, pixels: Buffer.from(pixels).toString('base64') };
  });
  write('tiny-clear', { ...clear, formatVersion: 2, goldens });
  mkdirSync(bundle('other'));
  writeFileSync(join(bundle('other'), 'model.json'), '{"format":"layers-model"}');

  for (const args of [['verify'], ['sample', '--out', join(folder, 'x.png')], ['eval']]) {
    const [command = '', ...rest] = args;
    const { code, stderr } = await pocketgen(command, bundle('tiny-colour'), ...rest);
    expect([command, code, stderr]).toEqual([
      command,
      1,
      `bundle ${bundle('tiny-colour')}: model.json: expected format version 3, got 2; bring its folder up to date with pocketgen upgrade ${bundle('tiny-colour')}\n`,
    ]);
  }

  const before = statSync(join(bundle('tiny-clear'), 'model.json')).mtimeMs;
  const { code, stdout, stderr } = await pocketgen('upgrade', folder);
  expect(stdout.split('\n')).toEqual([
    `${bundle('tiny-colour')}: format 2 brought to 3; fp32 drew the goldens as before`,
    `${bundle('tiny-plain')}: format 1 brought to 3; fp32 drew the goldens as before; metrics of an earlier form are left out, pocketgen eval --record measures them anew`,
    '',
  ]);
  expect(stderr.split('\n')).toEqual([
    `bundle ${bundle('other')}: model.json: expected the manifest of a pocketgen-bundle, got something else`,
    expect.stringMatching(
      /^.*tiny-clear: tiny-clear fp32: golden of seed 1: expected the same bytes, got a difference/,
    ),
    '',
  ]);
  expect(code).toBe(1);

  expect(read('tiny-colour')).toEqual(colour);
  expect(read('tiny-plain')).toEqual({ ...plain, defaultTruncation: 1 });
  expect(statSync(join(bundle('tiny-clear'), 'model.json')).mtimeMs).toBe(before);
  for (const name of ['tiny-colour', 'tiny-plain', 'tiny-clear'])
    expect(readdirSync(bundle(name)).sort()).toEqual(['generator.fp32.onnx', 'model.json']);

  const again = await pocketgen('upgrade', bundle('tiny-colour'), bundle('tiny-plain'));
  expect([again.code, again.stdout]).toEqual([
    0,
    `${bundle('tiny-colour')}: format 3 already\n${bundle('tiny-plain')}: format 3 already\n`,
  ]);
  // A folder of them is taken by verify, too, and one that fails keeps none of the others from it.
  const all = await pocketgen('verify', folder);
  expect(all.stdout).toContain(`${bundle('tiny-plain')}: fp32 on wasm: `);
  expect([all.code, all.stderr]).toEqual([1, expect.stringContaining(`bundle ${bundle('tiny-clear')}: model.json: `)]);
});

test('a bundle whose network is another one is not upgraded', async () => {
  const manifest = read('tiny-colour');
  write('tiny-colour', { ...manifest, formatVersion: 2 });
  const path = join(bundle('tiny-colour'), 'generator.fp32.onnx');
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const { code, stderr } = await pocketgen('upgrade', bundle('tiny-colour'));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/tiny-colour: generator\.fp32\.onnx: expected SHA-256 /)]);
  expect(read('tiny-colour').formatVersion).toBe(2);
  expect((await pocketgen('upgrade', join(folder, 'nothing'))).stderr).toMatch(
    /^.*nothing: expected model bundles \(folders with a model\.json\), got none; /,
  );
});
