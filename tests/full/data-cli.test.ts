// `pocketgen dataset …` as a user types it: output, files, exit codes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePng } from '../../contract/png.ts';

const bin = fileURLToPath(new URL('../../bin/pocketgen.mjs', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'pocketgen-data-'));
afterAll(() => rmSync(root, { recursive: true }));

function pocketgen(...args: string[]): { code: number | null; out: string; err: string } {
  const env = { ...process.env, POCKETGEN_CACHE: join(root, 'cache') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env, cwd: root });
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
  [['fetch', 'cifar'], 'dataset fetch: expected one of fashion-mnist, mnist, got cifar'],
  [['preview', 'own', '--columns', '0'], '--columns: expected a whole number from 1 to 100, got 0'],
  [
    ['preview', 'own', '--out', 'no/such/folder.png'],
    'no/such/folder.png: expected a file that can be written, got ENOENT',
  ],
  [['fetch', 'mnist', '--mirror', 'http://unreachable.invalid/'], 'expected an answer from a mirror, got none'],
])('%j is one sentence and exit code 1', (args, sentence) => {
  const { code, err } = pocketgen('dataset', ...args);
  expect(code).toBe(1);
  expect(err).toContain(sentence);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(existsSync(join(root, 'no'))).toBe(false);
});
