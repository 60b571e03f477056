// `pocketgen dataset …` as a user types it: output, files, exit codes.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePng } from '../../contract/png.ts';

const bin = fileURLToPath(new URL('../../bin/pocketgen.mjs', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'pocketgen-data-'));
afterAll(() => rmSync(root, { recursive: true }));

const pocketgen = (...args: string[]) => pocketgenIn(root, ...args);

function pocketgenIn(cwd: string, ...args: string[]): { code: number | null; out: string; err: string } {
  const env = { ...process.env, POCKETGEN_CACHE: join(root, 'cache') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env, cwd });
  return { code: status, out: stdout, err: stderr };
}

beforeAll(async () => {
  for (const [name, background] of Object.entries({ red: '#d02020', blue: '#2040d0' })) {
    mkdirSync(join(root, 'own', name), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const picture = sharp({ create: { width: 50, height: 40, channels: 3, background } });
      await picture.toFile(join(root, 'own', name, `${i}.${i === 1 ? 'jpg' : 'png'}`));
    }
  }
});

test('info --json tells what a folder holds', () => {
  const { code, out } = pocketgen('dataset', 'info', 'own', '--size', '28', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    name: 'own',
    classes: ['blue', 'red'],
    width: 28,
    height: 28,
    channels: 3,
    train: { count: 6, classCounts: [3, 3] },
    test: { count: 0 },
  });
});

test('info names what was left out, copies, and what to change; --strict refuses', () => {
  writeFileSync(join(root, 'own', 'red', 'diary.png'), 'Dear diary');
  const { code, out } = pocketgen('dataset', 'info', 'own', '--size', '28');
  expect(code).toBe(0);
  expect(out).toMatch(/^own: 6 own pictures in 2 classes, cropped and resized to 28x28, colour; 1 left out; /);
  expect(out).toContain('\nleft out: red/diary.png (no picture in a format that is read)\n');
  expect(out).toContain('\n  red/0.png, red/1.jpg, red/2.png\n');
  const strict = pocketgen('dataset', 'info', 'own', '--strict');
  rmSync(join(root, 'own', 'red', 'diary.png'));
  expect(strict.code).toBe(1);
  expect(strict.err.trim()).toBe(
    'own: expected nothing left out (--strict), got 1 that cannot be read: red/diary.png (no picture in a format that is read); repair or remove them',
  );
});

test('how pictures were read goes on record in the run and the bundle, and eval reads them in the same way', () => {
  const files = ['blue', 'red'].flatMap((name) =>
    [0, 2].map((i) => [`${name}/${i}.png`, readFileSync(join(root, 'own', name, `${i}.png`))] as const),
  );
  writeFileSync(join(root, 'colours.zip'), zipSync(Object.fromEntries(files)));
  const how = ['--size', '16', '--fit', 'contain', '--background', 'navy'];
  const small = ['--preset', 'quick', '--images', '32', '--width', '8', '--evaluations', '0', '--engine', 'onnx'];
  const trained = pocketgen('train', '--data', 'colours.zip', '--out', 'run', ...how, ...small);
  expect([trained.code, trained.err]).toEqual([0, expect.stringContaining('fitted and resized to 16x16, colour')]);
  const options = { size: 16, channels: 3, fit: 'contain', background: '#000080' };
  expect(JSON.parse(readFileSync(join(root, 'run/config.json'), 'utf8')).dataset).toMatchObject({
    name: 'colours',
    options,
  });

  expect(pocketgen('export', 'run', '--out', 'bundle', '--dtype', 'fp32').code).toBe(0);
  const { training } = JSON.parse(readFileSync(join(root, 'bundle/model.json'), 'utf8'));
  expect(training.config.pictures).toEqual(options);
  // Had they been read otherwise, these would be "other pictures" than those trained on.
  for (const args of [['run'], ['bundle', '--data', 'colours.zip']]) {
    expect(pocketgen('eval', ...args).err).toContain('expected at least 10 held-out pictures');
  }
  const idle = pocketgen('eval', 'bundle', '--data', 'colours.zip', '--background', 'white');
  expect(idle.err).toContain('--background: expected a transparent');
});

test('info --offline of Fashion-MNIST works on any machine', () => {
  const { code, out } = pocketgen('dataset', 'info', 'fashion-mnist', '--offline');
  expect(code).toBe(0);
  expect(out).toMatch(/^fashion-mnist: /);
  expect(out).toContain('9 Ankle boot');
});

test('preview writes a PNG with the pictures in it, and leaves no temporary file', () => {
  const { code, out } = pocketgen('dataset', 'preview', 'own', '--size', '28', '--out', 'sheet.png');
  expect(code).toBe(0);
  expect(out).toContain('sheet.png');
  const sheet = decodePng(readFileSync(join(root, 'sheet.png')));
  expect(sheet.channels).toBe(3);
  // The last picture of the lower row is red; see the margin and scale in preview.ts.
  const at = ((sheet.height - 20) * sheet.width + sheet.width - 20) * 3;
  const [r = 0, g = 255, b = 255] = sheet.data.subarray(at, at + 3);
  expect(r).toBeGreaterThan(180);
  expect(Math.max(g, b)).toBeLessThan(60);
  expect(readdirSync(root).filter((name) => name.includes('.part'))).toEqual([]);
});

test.each([
  [['info', 'cifar'], 'data set: expected fashion-mnist, mnist, a folder of pictures or a .zip of one, got "cifar"'],
  [
    ['info', 'fashion-mnist', '--transparent'],
    '--transparent: expected a folder or .zip of pictures with it, got fashion-mnist',
  ],
  [['info', 'own', '--background', 'reddish'], '--background: expected an opaque CSS colour'],
  [['fetch', 'cifar'], 'dataset fetch: expected one of fashion-mnist, mnist, got cifar'],
  [['preview', 'own', '--columns', '0'], '--columns: expected a whole number from 1 to 100, got 0'],
  [
    ['preview', 'own', '--out', 'no/such/folder.png'],
    'no/such/folder.png: expected a file in an existing folder, got no folder no/such',
  ],
  [['fetch', 'mnist', '--mirror', 'http://unreachable.invalid/'], 'expected an answer from a mirror, got none'],
])('%j is one sentence and exit code 1', (args, sentence) => {
  const { code, err } = pocketgen('dataset', ...args);
  expect(code).toBe(1);
  expect(err).toContain(sentence);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(existsSync(join(root, 'no'))).toBe(false);
});

test('train --data . goes on with the same pictures when its run and a bundle stand among them', () => {
  const own = join(root, 'here');
  cpSync(join(root, 'own'), own, { recursive: true });
  const train = (images: number) =>
    pocketgenIn(
      own,
      'train',
      '--data',
      '.',
      '--engine',
      'onnx',
      '--size',
      '16',
      '--width',
      '8',
      '--images',
      `${images}`,
    );
  expect(train(32).code).toBe(0);
  expect(pocketgenIn(own, 'export', 'runs/here', '--dtype', 'fp16').code).toBe(0);
  const { code, err } = train(64);
  expect(err).toContain('left out: runs/ (made by pocketgen, no pictures to learn from)');
  expect(err).toMatch(
    /6 own pictures in 2 classes.*continuing runs\/here after 32 of 64 images.*trained on 64 images/s,
  );
  expect([code, readdirSync(join(own, 'models'))]).toEqual([0, ['here']]);
});
