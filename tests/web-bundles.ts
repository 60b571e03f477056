// Bundles of any size, ground and classes for the page's tests: real ONNX files whose pictures are a soft disc of colour
// that moves with the latent, on the ground that a trained model of such pictures would draw.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { zipSync } from 'fflate';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { createGenerator } from '../contract/generator.ts';
import { type BundleMetrics, type Manifest, parseManifest } from '../contract/manifest.ts';
import { randomNormals } from '../contract/random.ts';
import { wasmEngine } from '../edge/runtime/wasm.ts';

export interface TestBundle {
  name: string;
  title?: string;
  size: number;
  channels: 1 | 3 | 4;
  /** What the disc lies on; `none`: colour up to the edge. RGBA is transparent around it whatever this says. */
  ground?: 'white' | 'black' | 'none';
  classes?: string[];
  /** Two of different numbers have different weights, as two snapshots of one training. */
  version?: number;
  imagesSeen?: number;
  metrics?: BundleMetrics;
}

const LATENT = 8;

/** tanh of it is the picture: [rows, channels × size × size] weights and as many biases. */
function numbersOf({ size, channels, ground = 'white', classes = [], version = 1 }: TestBundle) {
  const rows = LATENT + classes.length;
  const plane = size * size;
  const waves = randomNormals(version, 7, 0, rows * channels * 3);
  const weights = new Float32Array(rows * channels * plane);
  const bias = new Float32Array(channels * plane);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [u, v] = [(x + 0.5) / size - 0.5, (y + 0.5) / size - 0.5];
      const inside = ground === 'none' && channels !== 4 ? 1 : Math.max(0, Math.min(1, (0.36 - Math.hypot(u, v)) * 20));
      for (let c = 0; c < channels; c++) {
        const at = c * plane + y * size + x;
        const alpha = channels === 4 && c === 3;
        const around = channels === 4 || ground === 'black' ? -5 : 5;
        bias[at] = (1 - inside) * around + (alpha ? inside * 5 : 0);
        for (let row = 0; row < rows && !alpha; row++) {
          const [a = 0, b = 0, phase = 0] = waves.subarray((row * channels + c) * 3);
          weights[row * channels * plane + at] = 0.9 * inside * Math.sin(6 * (a * u + b * v) + phase);
        }
      }
    }
  return { rows, weights, bias };
}

function onnxOf(bundle: TestBundle): Uint8Array<ArrayBuffer> {
  const { size, channels, classes = [] } = bundle;
  const { rows, weights, bias } = numbersOf(bundle);
  const pixels = channels * size * size;
  const shape = (...sizes: number[]) => [
    { value: { case: 'dimParam' as const, value: 'batch' } },
    ...sizes.map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } })),
  ];
  const tensor = (name: string, dims: { value: object }[]) => ({
    name,
    type: {
      value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.FLOAT, shape: { dim: dims } } },
    },
  });
  const floats = (name: string, dims: number[], data: Float32Array) => ({
    name,
    dataType: TensorProto_DataType.FLOAT,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer),
  });
  const joined = classes.length > 0;
  const axis = { name: 'axis', type: AttributeProto_AttributeType.INT, i: 1n };
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      name: 'test',
      input: [tensor('latent', shape(LATENT)), ...(joined ? [tensor('class', shape(classes.length))] : [])] as never,
      output: [tensor('image', shape(channels, size, size))] as never,
      initializer: [
        floats('weights', [rows, pixels], weights),
        floats('bias', [1, pixels], bias),
        {
          name: 'shape',
          dataType: TensorProto_DataType.INT64,
          dims: [4n],
          int64Data: [-1, channels, size, size].map(BigInt),
        },
      ],
      node: [
        ...(joined ? [{ opType: 'Concat', input: ['latent', 'class'], output: ['z'], attribute: [axis] }] : []),
        { opType: 'MatMul', input: [joined ? 'z' : 'latent', 'weights'], output: ['flat'] },
        { opType: 'Add', input: ['flat', 'bias'], output: ['sum'] },
        { opType: 'Reshape', input: ['sum', 'shape'], output: ['planes'] },
        { opType: 'Tanh', input: ['planes'], output: ['image'] },
      ],
    },
  });
  return new Uint8Array(toBinary(ModelProtoSchema, model));
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** Writes the bundle into `models`/name; returns its manifest and the hash of its model.json. */
export async function writeBundle(models: string, bundle: TestBundle): Promise<{ manifest: Manifest; sha256: string }> {
  const { name, title = name, size, channels, classes = [], imagesSeen = 0, metrics } = bundle;
  const bytes = onnxOf(bundle);
  const conditional = classes.length > 0;
  const manifest = parseManifest({
    format: 'pocketgen-bundle',
    formatVersion: 3,
    name,
    title,
    description: 'A test bundle',
    kind: 'gan',
    image: { width: size, height: size, channels },
    latent: { size: LATENT, distribution: 'normal', generator: 'philox4x32-10/as241' },
    classes,
    opset: 17,
    inputs: {
      latent: { name: 'latent', shape: ['batch', LATENT] },
      ...(conditional ? { classWeights: { name: 'class', shape: ['batch', classes.length] } } : {}),
    },
    output: { name: 'image', shape: ['batch', channels, size, size], range: [-1, 1] },
    files: [
      { path: 'generator.fp32.onnx', role: 'generator', variant: 'fp32', bytes: bytes.length, sha256: sha256(bytes) },
    ],
    defaultVariant: 'fp32',
    defaultTruncation: 1,
    goldens: [],
    ...(metrics === undefined ? {} : { metrics }),
    training: {
      preset: 'none',
      config: {},
      dataset: { name: 'none', sha256: '' },
      imagesSeen,
      engine: 'none',
      seed: 0,
    },
    license: 'MIT',
  });
  const engine = wasmEngine();
  const generator = createGenerator(manifest, await engine.createSession(bytes), engine.Tensor);
  const requests = [1, 2].map((seed) => ({ seed, class: conditional ? 0 : undefined, truncation: 1 }));
  for (const [i, picture] of (await generator.generate(requests)).entries())
    manifest.goldens.push({
      variant: 'fp32',
      seed: requests[i]?.seed ?? 0,
      ...(conditional ? { class: 0 } : {}),
      truncation: 1,
      sha256: sha256(picture.data),
      pixels: Buffer.from(picture.data).toString('base64'),
    });
  mkdirSync(join(models, name), { recursive: true });
  const text = JSON.stringify(manifest);
  writeFileSync(join(models, name, 'generator.fp32.onnx'), bytes);
  writeFileSync(join(models, name, 'model.json'), text);
  return { manifest, sha256: sha256(text) };
}

/** A zip of a bundle's folder, with some of its files replaced. */
export function zipOf(folder: string, instead: Record<string, Uint8Array> = {}): Uint8Array {
  const files = readdirSync(folder).map((name) => [
    `${basename(folder)}/${name}`,
    instead[name] ?? new Uint8Array(readFileSync(join(folder, name))),
  ]);
  return zipSync(Object.fromEntries(files));
}
