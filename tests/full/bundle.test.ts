// From a run to a bundle to pictures through the command line, as a user types it; and what happens to a damaged bundle.
import { execFile, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseManifest } from '../../contract/manifest.ts';
import { decodePng } from '../../contract/png.ts';
import { openBundle } from '../../export/open.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { lockRun } from '../../train/store/run-lock.ts';
import { smallPictures, smallRecipe } from '../small.ts';

const BIN = fileURLToPath(new URL('../../bin/pocketgen.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pocketgen-bundle-'));
const [run, bundle] = [join(folder, 'run'), join(folder, 'small')];

afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function pocketgen(...args: string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [BIN, ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}

beforeAll(async () => {
  const pictures = await smallPictures();
  await trainInFolder({
    recipe: smallRecipe(pictures),
    pictures,
    source: 'fashion-mnist',
    engine: 'onnx',
    device: 'cpu',
    dir: run,
  });
  const exported = await pocketgen('export', run, '--out', bundle, '--dtype', 'fp16,fp32,int8', '--truncation', '0.8');
  expect(exported.stderr).toContain('12 goldens, default fp16, truncation 0.8');
  expect(exported.code).toBe(0);
});

test('export writes one file a variant, a manifest that parses, a preview and a model card', async () => {
  expect(readdirSync(bundle).sort()).toEqual([
    'MODEL_CARD.md',
    'generator.fp16.onnx',
    'generator.fp32.onnx',
    'generator.int8.onnx',
    'model.json',
    'preview.png',
  ]);
  const manifest = parseManifest(JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8')));
  expect(manifest.classes).toContain('Ankle boot');
  expect(manifest.training.engine).toBe('onnx on cpu');
  expect(manifest.metrics?.snapshots.length).toBeGreaterThan(0);
  expect(decodePng(readFileSync(join(bundle, 'preview.png'))).width).toBe(2 * (10 * 28 + 9));
});

test('tfjs, onnxruntime-node and wasm agree to 1e-5 in fp32, as export prints', async () => {
  const { stderr } = await pocketgen('export', run, '--out', join(folder, 'again'), '--dtype', 'fp32');
  const [, tfjsNode, nodeWasm] =
    /fp32: largest difference tfjs to onnxruntime-node (\S+), onnxruntime-node to wasm (\S+)/.exec(stderr) ?? [];
  expect(Number(tfjsNode)).toBeLessThanOrEqual(1e-5);
  expect(Number(nodeWasm)).toBeLessThanOrEqual(1e-5);
});

test('verify checks every variant on wasm byte for byte and on native CPU to one level', async () => {
  const { code, stdout } = await pocketgen('verify', bundle);
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(6);
  for (const line of lines.filter((l) => l.includes('wasm'))) expect(line).toContain('largest difference 0 of');
});

test('a picture is the same alone, in a batch of 64, and from the command line', async () => {
  const { generator, close } = await openBundle(bundle);
  const request = (seed: number) => ({ seed, class: 3, truncation: 0.8 });
  const many = await generator.generate(Array.from({ length: 64 }, (_, i) => request(i + 1)));
  for (const seed of [1, 7, 64]) {
    const [alone] = await generator.generate([request(seed)]);
    expect(Buffer.from(alone?.data ?? []).equals(Buffer.from(many[seed - 1]?.data ?? []))).toBe(true);
    const out = join(folder, `${seed}.png`);
    expect((await pocketgen('sample', bundle, '--seed', String(seed), '--class', 'dress', '--out', out)).code).toBe(0);
    expect(Buffer.from(decodePng(readFileSync(out)).data).equals(Buffer.from(alone?.data ?? []))).toBe(true);
  }
  await close();
});

test('sample draws a grid, enlarges it, and takes any text as a seed', async () => {
  const out = join(folder, 'grid.png');
  const result = await pocketgen(
    'sample',
    bundle,
    '--seeds',
    '1-6,ada@example.com',
    '--columns',
    '4',
    '--scale',
    '3',
    '--out',
    out,
  );
  expect(result.code).toBe(0);
  expect(decodePng(readFileSync(out))).toMatchObject({ width: 4 * 28 * 3, height: 2 * 28 * 3, channels: 1 });
});

test('sample draws with the bundle’s own truncation unless told another', async () => {
  const drawn = async (...options: string[]): Promise<string> => {
    const out = join(folder, 'one.png');
    expect((await pocketgen('sample', bundle, '--seed', '3', ...options, '--out', out)).code).toBe(0);
    return readFileSync(out).toString('base64');
  };
  const own = await drawn();
  expect(await drawn('--truncation', '0.8')).toBe(own);
  expect(await drawn('--truncation', '1')).not.toBe(own);
});

test.each([
  [
    ['sample', bundle, '--class', 'hat', '--out', join(folder, 'x.png')],
    /^class: expected one of T-shirt\/top, .*got hat\n$/,
  ],
  [
    ['sample', bundle, '--truncation', '2', '--out', join(folder, 'x.png')],
    /^--truncation: expected a number above 0, at most 1, got 2; see pocketgen sample --help\n$/,
  ],
  [
    ['sample', bundle, '--dtype', 'fp8', '--out', join(folder, 'x.png')],
    /^dtype: expected fp32, fp16, int8, got fp8\n$/,
  ],
  [
    ['sample', join(folder, 'none'), '--out', join(folder, 'x.png')],
    /^bundle .*: expected a folder with model.json, got none/,
  ],
  [['export', run, '--dtype', 'bf16'], /^dtype: expected fp32, fp16, int8, got bf16\n$/],
  [['export', folder], /^run .*: expected a run folder with config.json, got none/],
  [
    ['export', run, '--out', run],
    /^export: expected .* to be a bundle or a new folder, got one with \S+ in it; move that or choose another --out\n$/,
  ],
  [
    ['export', run, '--out', BIN],
    /^export: expected a folder named by .*got ".*pocketgen\.mjs"; choose another name\n$/,
  ],
  [['export', run, '--dtype', 'fp32,fp32'], /^dtype: expected each once, got fp32,fp32\n$/],
  [['sample', bundle, '--out', folder], /^".*": expected the name of a file to write, got a folder\n$/],
  [
    ['sample', bundle, '--out', join(folder, 'no', 'x.png')],
    /x\.png: expected a file in an existing folder, got no folder/,
  ],
  [
    ['report', run, '--out', join(folder, 'no', 'x.html')],
    /x\.html: expected a file in an existing folder, got no folder/,
  ],
  [
    ['train', '--width', '8', '--out', join(BIN, 'run')],
    /run: expected to mkdir it, got "not a directory" \(ENOTDIR\)/,
  ],
  [['train', '--learning-rate', '', '--dry-run'], /expected a number or FROM:TO, got ""/],
  [['train', '--learning-rate', '5e-4:', '--dry-run'], /expected a number or FROM:TO, got "5e-4:"/],
  [['train', '--learning-rate', '0', '--dry-run'], /expected it to begin above 0, got 0/],
  [['train', '--gamma', 'Infinity', '--dry-run'], /expected a number or FROM:TO, got "Infinity"/],
  [['train', '--size', '30', '--dry-run'], /expected 16, 28, 32, 48, 64, 96, 128, got 30/],
  [['train', '--size', '32', '--dry-run'], /^--size: expected a folder or .zip of pictures with it, got fashion-mnist/],
  [['train', '--device', 'webgpu', '--dry-run'], /^--device: expected --engine onnx with it, got auto/],
  [['train', '--preset', 'classic', '--gamma', '1', '--dry-run'], /gamma: expected a preset with gradient penalties/],
  [['train', '--preset', 'classic', '--width', '8', '--dry-run'], /width: expected a preset of residual networks/],
  [
    ['train', '--width', '1000000', '--dry-run'],
    /recipe network\.width: expected a number of at most 1024, got 1000000\n$/,
  ],
  [['train', '--out', '', '--dry-run'], /^--out: expected a folder, got nothing\n$/],
  [
    ['eval', run, '--seed', '4294967295'],
    /^--seed: expected a whole number from 0 to 4000000000, got 4294967295; see pocketgen eval --help\n$/,
  ],
  [
    ['train', '--preset', 'huge', '--dry-run'],
    /^--preset: expected one of quick, .*, classic, got huge; see pocketgen train --help\n$/,
  ],
  [['train', '--beta2', '1.5', '--dry-run'], /recipe beta2\.from: expected a number of at most 0\.9999, got 1\.5\n$/],
  [
    ['train', '--data', join(folder, 'nowhere')],
    /^data set: expected fashion-mnist, mnist, a folder of pictures or a .zip of one, got/,
  ],
] as const)('bad input is one sentence and exit code 1: %j', async (args, sentence) => {
  const { code, stderr, stdout } = await pocketgen(...args);
  expect(code).toBe(1);
  expect(stderr).toMatch(sentence);
  expect(stdout).toBe('');
  expect(existsSync(join(folder, 'x.png'))).toBe(false);
});

test.each([
  ['missing', (file: string) => rmSync(file), /expected the file generator\.fp32\.onnx, got none/],
  [
    'truncated',
    (file: string) => truncateSync(file, 100),
    /^bundle \S+copy-truncated: generator\.fp32\.onnx: expected \d+ bytes, got 100/,
  ],
  [
    'altered',
    (file: string) => {
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    },
    /^bundle \S+copy-altered: generator\.fp32\.onnx: expected SHA-256 [0-9a-f]{64}, got/,
  ],
] as const)('a bundle whose file is %s is refused by name', async (kind, damage, sentence) => {
  const copy = join(folder, `copy-${kind}`);
  cpSync(bundle, copy, { recursive: true });
  damage(join(copy, 'generator.fp32.onnx'));
  const { code, stderr } = await pocketgen('verify', copy);
  expect(code).toBe(1);
  expect(stderr).toMatch(sentence);
});

test('a folder in which something else has put a model.json is left as it is', async () => {
  const other = join(folder, 'tfjs-model');
  mkdirSync(join(other, 'src'), { recursive: true });
  writeFileSync(join(other, 'model.json'), '{"format":"layers-model"}');
  const { code, stderr } = await pocketgen('export', run, '--out', other);
  expect(code).toBe(1);
  expect(stderr).toContain(`expected ${other} to be a bundle or a new folder`);
  expect(readdirSync(other).sort()).toEqual(['model.json', 'src']);
});

test('a damaged snapshot is named, and the newest checkpoint exported instead', async () => {
  const copy = join(folder, 'damaged-run');
  cpSync(run, copy, { recursive: true });
  writeFileSync(join(copy, 'best.safetensors'), 'half a fi');
  const { code, stderr } = await pocketgen('export', copy, '--out', join(folder, 'from-checkpoint'), '--dtype', 'fp32');
  expect(stderr).toMatch(/^snapshot best\.safetensors: expected a header of \d+ bytes, got 1; going on without it\n/);
  expect(stderr).toContain('the generator after 160 images (newest checkpoint)');
  expect(code).toBe(0);
});

/** Trains in `dir` until `stop` is called with its process, at the first line of progress. */
async function trainUntil(dir: string, stop: (child: ReturnType<typeof spawn>) => void): Promise<Outcome> {
  const options = [
    '--images',
    '100000',
    '--width',
    '8',
    '--batch',
    '8',
    '--evaluations',
    '0',
    '--engine',
    'onnx',
    '--json',
    '--out',
    dir,
  ];
  const child = spawn(process.execPath, [BIN, 'train', ...options]);
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += String(text);
  });
  child.stdout.once('data', () => stop(child));
  const code = await new Promise<number>((resolve) => child.on('close', resolve));
  return { code, stdout: '', stderr };
}

const savedImages = (dir: string): number => Number.parseInt(readdirSync(join(dir, 'checkpoints')).at(-1) ?? '0', 10);

test.each([
  ['the same Ctrl-C heard twice', (child) => [child.kill('SIGINT'), child.kill('SIGINT')]],
  ['a terminal that is closed', (child) => child.kill('SIGHUP')],
  ['a reader that is gone', (child) => child.stdout?.destroy()],
] satisfies [string, (child: ReturnType<typeof spawn>) => unknown][])(
  '%s saves before training ends',
  async (what, stop) => {
    const dir = join(folder, what.replaceAll(' ', '-'));
    const { code, stderr } = await trainUntil(dir, stop);
    expect(stderr).toMatch(/stopped after \d+ of 100000 images, saved/);
    expect(stderr).not.toContain('    at '); // no stack trace
    expect(code).toBe(130);
    expect(savedImages(dir)).toBeGreaterThan(0);
    lockRun(dir)(); // nobody's any more
  },
);

test('Ctrl-C saves, says how to go on, and the same command goes on', async () => {
  const dir = join(folder, 'interrupted');
  const { code, stderr } = await trainUntil(dir, (child) => child.kill('SIGINT'));
  expect(code).toBe(130);
  const [, images] =
    /stopped after (\d+) of 100000 images, saved; run the same command again to go on/.exec(stderr) ?? [];
  expect(Number(images)).toBeGreaterThan(0);
  const again = await trainUntil(dir, (child) => child.kill('SIGTERM'));
  expect(again.stderr).toContain(`continuing ${dir} after ${images} of 100000 images`);
  expect(savedImages(dir)).toBeGreaterThan(Number(images));
});
