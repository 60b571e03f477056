// The manifest's rejections, file and golden checks: each fault is one sentence saying what was expected and what came.
import { describe, expect, test } from 'vitest';
import { checkFile, checkGoldens, largestDifference, sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { createGenerator, type TensorLike } from '../../contract/generator.ts';
import { classOf, latentOf } from '../../contract/latent.ts';
import { classIndex, generatorFile } from '../../contract/lookup.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { pictureOf } from '../../contract/pixels.ts';
import { parseTraining } from '../../contract/training.ts';
import { upgradeManifest } from '../../contract/upgrade.ts';

const pixels = Uint8Array.of(128, 128);
const good = {
  format: 'pocketgen-bundle',
  formatVersion: 3,
  name: 'tiny',
  title: 'Tiny',
  description: 'Two grey pixels',
  kind: 'gan',
  image: { width: 2, height: 1, channels: 1 },
  latent: { size: 3, distribution: 'normal', generator: 'philox4x32-10/as241' },
  classes: ['Coat', 'Ankle boot'],
  opset: 17,
  inputs: { latent: { name: 'latent', shape: ['batch', 3] }, classWeights: { name: 'class', shape: ['batch', 2] } },
  output: { name: 'image', shape: ['batch', 1, 1, 2], range: [-1, 1] },
  files: [
    { path: 'a.onnx', role: 'generator', variant: 'fp32', bytes: 3, sha256: 'a'.repeat(64) },
    { path: 'b.onnx', role: 'generator', variant: 'fp16', bytes: 3, sha256: 'b'.repeat(64) },
  ],
  defaultVariant: 'fp16',
  defaultTruncation: 0.95,
  goldens: [
    { variant: 'fp32', seed: 1, class: 0, truncation: 1, sha256: await sha256Hex(pixels), pixels: btoa('\x80\x80') },
  ],
  training: { preset: 'p', config: {}, dataset: { name: 'd', sha256: '' }, imagesSeen: 0, engine: 'onnx', seed: 0 },
  license: 'MIT',
};

/** A copy of `good` with the value at a dotted path replaced (undefined removes it). */
function altered(path: string, value: unknown): unknown {
  const copy: Record<string, unknown> = structuredClone(good);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, copy);
  parent[last] = value;
  return JSON.parse(JSON.stringify(copy));
}

describe('parseManifest', () => {
  test('reads a good manifest', () => {
    expect(parseManifest(good).defaultVariant).toBe('fp16');
    expect(
      parseManifest({ ...good, classes: [], inputs: { latent: good.inputs.latent }, goldens: [] }).classes,
    ).toEqual([]);
  });

  test.each([
    ['formatVersion', 4, /^model\.json: expected format version 3, got 4; use a newer pocketgen$/],
    ['formatVersion', 2, /^model\.json: expected format version 3, got 2; .+ pocketgen upgrade FOLDER$/],
    ['formatVersion', 1, /^model\.json: expected format version 3, got 1; .+ pocketgen upgrade FOLDER$/],
    ['image.channels', 2, /^model\.json image\.channels: .+; export the bundle again$/],
    ['format', 'other', /^model\.json: expected the manifest of a pocketgen-bundle, got something else$/],
    ['name', '../etc', /^model\.json name: expected lower-case letters, digits and hyphens/],
    ['latent.generator', 'mt19937', /^model\.json latent\.generator: expected "philox4x32-10\/as241"/],
    ['latent.size', 4, /^model\.json inputs\.latent\.shape: expected \["batch",4\], got \["batch",3\]/],
    ['image.width', 3, /^model\.json output\.shape: expected \["batch",1,1,3\], got \["batch",1,1,2\]/],
    ['image.height', 'tall', /^model\.json image\.height: expected number, got string/],
    ['classes', ['Coat'], /^model\.json inputs\.classWeights\.shape: expected \["batch",1\], got \["batch",2\]/],
    ['classes', ['Coat', 'Coat'], /^model\.json classes: expected \["Coat"\], got \["Coat","Coat"\]/],
    ['inputs.classWeights', undefined, /^model\.json inputs\.classWeights\.shape: expected \["batch",2\], got none/],
    ['files.0.path', '../a.onnx', /^model\.json files\.0\.path: expected a plain file name/],
    ['files.0.path', 'b.onnx', /^model\.json files: expected \["b\.onnx"\], got/],
    ['files.1.sha256', 'B', /^model\.json files\.1\.sha256: expected 64/],
    ['defaultTruncation', 0, /^model\.json defaultTruncation: .+; export the bundle again$/],
    ['defaultVariant', 'int8', /^model\.json defaultVariant: expected "one of fp32, fp16", got "int8"/],
    ['goldens.0.class', 2, /^model\.json goldens\.0\.class: expected "an index below 2", got 2/],
    ['goldens.0.truncation', 0, /^model\.json goldens\.0\.truncation: .+$/],
    ['license', undefined, /^model\.json license: expected string, got undefined/],
  ])('refuses %s = %j in one sentence', (path, value, message) => {
    expect(() => parseManifest(altered(path, value))).toThrow(UserError);
    expect(() => parseManifest(altered(path, value))).toThrow(message);
  });

  test.each([[null], ['text'], [[]], [{}], [7]])('refuses %j', (json) => {
    expect(() => parseManifest(json)).toThrow(UserError);
  });
});

describe('upgradeManifest', () => {
  const { defaultTruncation: _, ...common } = good;
  const first = { ...common, formatVersion: 1, metrics: { protocol: 'ours', fid: 3 } };

  test('brings versions 1 and 2 to the current one', () => {
    expect(upgradeManifest({ ...good, formatVersion: 2 })).toEqual({ from: 2, manifest: parseManifest(good) });
    const whole = { from: 1, manifest: parseManifest({ ...good, defaultTruncation: 1 }) };
    expect(upgradeManifest(first)).toEqual(whole);
    const metrics = { history: [{ images: 10, fid: 3 }], snapshots: [], evaluations: [] };
    expect(upgradeManifest({ ...first, metrics }).manifest.metrics).toEqual(metrics);
    expect(upgradeManifest(good)).toEqual({ from: 3, manifest: parseManifest(good) });
  });

  test.each([
    [{ ...good, formatVersion: 4 }, /expected format version 1, 2 or 3, got 4; use a newer pocketgen$/],
    [{ ...good, formatVersion: 0 }, /expected format version 1, 2 or 3, got 0; export the bundle again$/],
    [{ ...good, formatVersion: 1.5 }, /got 1\.5; export the bundle again$/],
    [{ ...good, formatVersion: 2, image: { width: 2, height: 1, channels: 2 } }, /^model\.json image\.channels: /],
    [{ format: 'layers-model' }, /^model\.json: expected the manifest of a pocketgen-bundle, got something else$/],
  ])('refuses what no step leads from', (json, message) => {
    expect(() => upgradeManifest(json)).toThrow(message);
  });
});

describe('names in requests', () => {
  const manifest = parseManifest(good);

  test('a class is its label in any case, or its index', () => {
    expect(['Ankle boot', ' ankle BOOT', '1'].map((name) => classIndex(manifest, name))).toEqual([1, 1, 1]);
    expect(() => classIndex(manifest, 'hat')).toThrow(
      'class: expected one of Coat, Ankle boot or an index from 0 to 1, got hat',
    );
    expect(() => classIndex(manifest, '2')).toThrow(UserError);
  });

  test('a label is found however é is written, and labels that differ by case are two', () => {
    const cafe = 'Café'.normalize('NFD');
    const labels = parseManifest(altered('classes', [cafe, 'cafÉ'])).classes;
    const two = { ...manifest, classes: labels };
    expect([cafe, 'café', 'CAFÉ', 'cafÉ'].map((name) => classIndex(two, name))).toEqual([0, 0, 0, 1]);
  });

  test('a dtype that the bundle does not have is refused with those it has', () => {
    expect(generatorFile(manifest).path).toBe('b.onnx');
    expect(() => generatorFile(manifest, 'int8')).toThrow('tiny: expected dtype fp32 or fp16, got int8');
  });
});

describe('checkFile', () => {
  const bytes = new TextEncoder().encode('abc');
  // FIPS 180-2's example: SHA-256 of "abc".
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const entry = { path: 'a.onnx', role: 'generator', variant: 'fp32', bytes: 3, sha256 } as const;

  test('accepts the right bytes, also as a view into a larger buffer', async () => {
    await checkFile(entry, bytes);
    await checkFile(entry, new TextEncoder().encode('xabcx').subarray(1, 4));
  });

  test('names the file when it is cut short or altered', async () => {
    await expect(checkFile(entry, bytes.subarray(1))).rejects.toThrow(/^a\.onnx: expected 3 bytes, got 2; /);
    await expect(checkFile(entry, Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^a\.onnx: expected SHA-256 ba78.+, got 0390/,
    );
  });
});

/** A stand-in for ONNX Runtime's Tensor, as these tests are about what is asked and what is answered. */
class Tensor implements TensorLike {
  disposed = false;
  readonly dims: readonly number[];
  readonly #data: Float32Array;
  constructor(_type: 'float32', data: Float32Array, dims: readonly number[]) {
    this.#data = data;
    this.dims = dims;
  }
  getData(): Promise<Float32Array> {
    return Promise.resolve(this.#data);
  }
  dispose(): void {
    this.disposed = true;
  }
}

describe('createGenerator', () => {
  /** Runs a "network" whose two pixels are the first latent number and the first class weight. */
  function generatorOf(manifest: Manifest, network: (z: number, weight: number) => [number, number], width = 2) {
    const seen: { [name: string]: Tensor }[] = [];
    const session = {
      async run(feeds: { readonly [name: string]: never }) {
        const tensors: { [name: string]: Tensor } = feeds;
        seen.push(tensors);
        const latent = await tensors.latent?.getData();
        const weights = await tensors.class?.getData();
        const batch = tensors.latent?.dims[0] ?? 0;
        const out = Array.from({ length: batch }, (_, i) =>
          network(latent?.[i * 3] ?? 0, weights?.[i * 2] ?? 0),
        ).flat();
        return { image: new Tensor('float32', Float32Array.from(out), [batch, 1, 1, width]) };
      },
    };
    return { generator: createGenerator(manifest, session, Tensor), seen };
  }
  const manifest = parseManifest(good);

  test('feeds latents and one-hot classes as one batch, choosing the class by the seed when none is named', async () => {
    const { generator, seen } = generatorOf(manifest, () => [0, 0]);
    const pictures = await generator.generate([
      { seed: 5, class: 1, truncation: 1 },
      { seed: 6, class: undefined, truncation: 0.5 },
    ]);
    expect(pictures).toEqual([{ width: 2, height: 1, channels: 1, data: pixels }, pictures[0]]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.latent?.dims).toEqual([2, 3]);
    expect(await seen[0]?.latent?.getData()).toEqual(
      Float32Array.from([...latentOf(5, 3), ...latentOf(6, 3).map((z) => z * 0.5)]),
    );
    const chosen = classOf(6, 2) === 0 ? [1, 0] : [0, 1];
    expect(await seen[0]?.class?.getData()).toEqual(Float32Array.from([0, 1, ...chosen]));
    expect(Object.values(seen[0] ?? {}).every((tensor) => tensor.disposed)).toBe(true);
  });

  test('refuses a class, truncation or vector that does not fit, and an output of another shape', async () => {
    const { generator } = generatorOf(manifest, () => [0, 0]);
    await expect(generator.generate([{ seed: 1, class: 2, truncation: 1 }])).rejects.toThrow('class: expected');
    await expect(generator.generate([{ seed: 1, class: 0, truncation: 0 }])).rejects.toThrow('truncation: expected');
    await expect(generator.decode([new Float32Array(2)], [new Float32Array(2)])).rejects.toThrow('latent: expected 3');
    await expect(generator.decode([new Float32Array(3)], [])).rejects.toThrow('class weights: expected 1');
    const wide = generatorOf(manifest, () => [0, 0], 3).generator;
    await expect(wide.generate([{ seed: 1, class: 0, truncation: 1 }])).rejects.toThrow(
      'expected 1x1x1x2, got 1x1x1x3',
    );
    expect(await generator.generate([])).toEqual([]);
  });

  test('runs one batch at a time, since wasm sessions share a stack', async () => {
    let running = 0;
    const overlapping = async (feeds: { readonly [name: string]: never }) => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      const batch = (feeds as { [name: string]: Tensor }).latent?.dims[0] ?? 0;
      return { image: new Tensor('float32', new Float32Array(batch * 2), [batch, 1, 1, 2]) };
    };
    const two = [1, 2].map(() => createGenerator(manifest, { run: overlapping }, Tensor));
    const request = { seed: 1, class: 0, truncation: 1 };
    await Promise.all([...two, ...two].map((generator) => generator.generate([request])));
  });

  test('checkGoldens wants the same bytes, or at most the levels allowed, and names the golden', async () => {
    expect(await checkGoldens(manifest, 'fp32', generatorOf(manifest, () => [0, 0]).generator, 0)).toBe(0);
    const off = generatorOf(manifest, () => [0, 2 / 255]).generator;
    expect(await checkGoldens(manifest, 'fp32', off, 1)).toBe(1);
    await expect(checkGoldens(manifest, 'fp32', off, 0)).rejects.toThrow(
      'tiny fp32: golden of seed 1: expected the same bytes, got a difference of 1 levels of 255',
    );
    await expect(checkGoldens(manifest, 'fp16', off, 0)).rejects.toThrow(
      'expected at least one golden for fp16, got none',
    );
    const forged = parseManifest(altered('goldens.0.pixels', 'AAA='));
    await expect(checkGoldens(forged, 'fp32', off, 0)).rejects.toThrow(/golden of seed 1: expected pixels of SHA-256/);
  });
});

test('the largest difference of pictures of different lengths is 255', () => {
  expect(largestDifference(Uint8Array.of(1, 9), Uint8Array.of(3, 8), 1)).toBe(2);
  expect(largestDifference(Uint8Array.of(1), Uint8Array.of(1, 2), 1)).toBe(255);
});

test('RGBA is compared as the network gave it: one level of a hardly seen pixel is one, whatever its straight colour', () => {
  const [one, two] = [
    [1, 0, 0, 3],
    [2, 0, 0, 3],
  ].map((levels) => pictureOf(Uint8Array.from(levels), { width: 1, height: 1, channels: 4 }).data);
  expect([one?.[0], two?.[0]]).toEqual([85, 170]);
  expect(largestDifference(one ?? new Uint8Array(), two ?? new Uint8Array(), 4)).toBe(1);
  expect(largestDifference(Uint8Array.of(9, 9, 9, 200), Uint8Array.of(9, 9, 9, 203), 4)).toBe(3);
});

describe('numbers of a history', () => {
  const measured = (point: object) => ({ ...good, metrics: { history: [point], snapshots: [], evaluations: [] } });

  test('FID may be missing, as small sets are judged by KID; others may stand beside', () => {
    const point = { images: 9, kid: 0.2, kidLow: 0.1, kidHigh: 0.3, coverage: 0.8, nearCopies: 0.01, spectrum: -0.4 };
    expect(parseManifest(measured(point)).metrics?.history).toEqual([point]);
  });

  test('are numbers, and shares at most 1', () => {
    expect(() => parseManifest(measured({ images: 9, kid: '0.2' }))).toThrow(/^model\.json metrics\.history\.0\.kid: /);
    expect(() => parseManifest(measured({ images: 9, nearCopies: 2 }))).toThrow(/history\.0\.nearCopies: /);
  });
});

describe('training.json', () => {
  const state = {
    model: 'my-pictures',
    state: 'training',
    images: 5_000,
    total: 100_000,
    imagesPerSecond: 61.5,
    secondsLeft: 1545,
    updated: '2026-11-25T14:00:00.000Z',
    snapshot: { images: 4_800, sha256: 'a'.repeat(64) },
    history: [{ images: 4_800, kid: 0.2, kidLow: 0.1, kidHigh: 0.3, coverage: 0.4, nearCopies: 0 }],
  };

  test('is read as it was written, with or without a first snapshot', () => {
    expect(parseTraining(state)).toEqual(state);
    const { snapshot, ...early } = state;
    expect(parseTraining({ ...early, history: [] })).toEqual({ ...early, history: [] });
  });

  test.each([
    ['state', 'paused', /^training\.json state: .+; it is written anew when training goes on$/],
    ['updated', 'today', /^training\.json updated: /],
    ['images', -1, /^training\.json images: /],
    ['secondsLeft', null, /^training\.json secondsLeft: expected number, got null/],
    ['snapshot', { images: 1, sha256: 'x' }, /^training\.json snapshot\.sha256: expected 64/],
  ])('with %s = %j is refused in one sentence', (key, value, message) => {
    expect(() => parseTraining({ ...state, [key]: value })).toThrow(UserError);
    expect(() => parseTraining({ ...state, [key]: value })).toThrow(message);
  });
});
