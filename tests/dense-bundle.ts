// Bundles for tests, written as real ONNX files: one dense layer from latent and class to the pixels, and a tanh. What its
// weights are is up to who asks (web-bundles.ts, fast/edge-fixture.ts); goldens are what wasm gives.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { sha256Hex } from '../contract/bundle.ts';
import { createGenerator } from '../contract/generator.ts';
import { type BundleMetrics, type Manifest, parseManifest } from '../contract/manifest.ts';
import { wasmEngine } from '../edge/runtime/wasm.ts';
import { encoderGoldens } from '../export/encoder.ts';
import { onWasm } from '../export/open.ts';

export interface DenseBundle {
  name: string;
  /** Family; `gan` unless told otherwise. */
  kind?: string;
  title: string;
  image: { width: number; height: number; channels: number };
  latent: number;
  classes: readonly string[];
  /** [latent + classes, channels × height × width] */
  weights: Float32Array;
  /** [channels × height × width]; none if absent. */
  bias?: Float32Array;
  /** [channels × height × width + classes, latent]: a dense layer back, whose class weights come after the pixels; no encoder if absent. */
  encoder?: Float32Array | undefined;
  defaultTruncation: number;
  imagesSeen?: number;
  metrics?: BundleMetrics | undefined;
}

type Size = 'batch' | number;

const tensor = (name: string, ...sizes: Size[]) => {
  const dim = sizes.map((n) =>
    n === 'batch'
      ? { value: { case: 'dimParam' as const, value: n } }
      : { value: { case: 'dimValue' as const, value: BigInt(n) } },
  );
  const elemType = TensorProto_DataType.FLOAT;
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
};
const floats = (name: string, dims: number[], data: Float32Array) => ({
  name,
  dataType: TensorProto_DataType.FLOAT,
  dims: dims.map(BigInt),
  rawData: new Uint8Array(data.buffer as ArrayBuffer),
});
const shapeOf = (...sizes: number[]) => ({
  name: 'shape',
  dataType: TensorProto_DataType.INT64,
  dims: [BigInt(sizes.length)],
  int64Data: sizes.map(BigInt),
});
const concat = (input: string[], output: string) => ({
  opType: 'Concat',
  input,
  output: [output],
  attribute: [{ name: 'axis', type: AttributeProto_AttributeType.INT, i: 1n }],
});

const graphBytes = (graph: object): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph: graph as never }),
    ),
  );

function onnxOf({ image, latent, classes, weights, bias }: DenseBundle): Uint8Array<ArrayBuffer> {
  const { width, height, channels } = image;
  const pixels = width * height * channels;
  const joined = classes.length > 0;
  return graphBytes({
    name: 'dense',
    input: [tensor('latent', 'batch', latent), ...(joined ? [tensor('class', 'batch', classes.length)] : [])],
    output: [tensor('image', 'batch', channels, height, width)],
    initializer: [
      floats('weights', [latent + classes.length, pixels], weights),
      ...(bias === undefined ? [] : [floats('bias', [1, pixels], bias)]),
      shapeOf(-1, channels, height, width),
    ],
    node: [
      ...(joined ? [concat(['latent', 'class'], 'z')] : []),
      { opType: 'MatMul', input: [joined ? 'z' : 'latent', 'weights'], output: ['flat'] },
      ...(bias === undefined ? [] : [{ opType: 'Add', input: ['flat', 'bias'], output: ['sum'] }]),
      { opType: 'Reshape', input: [bias === undefined ? 'flat' : 'sum', 'shape'], output: ['planes'] },
      { opType: 'Tanh', input: ['planes'], output: ['image'] },
    ],
  });
}

function encoderOf({ image, latent, classes, encoder }: DenseBundle): Uint8Array<ArrayBuffer> | undefined {
  if (encoder === undefined) return undefined;
  const { width, height, channels } = image;
  const pixels = width * height * channels;
  const joined = classes.length > 0;
  return graphBytes({
    name: 'encoder',
    input: [
      tensor('image', 'batch', channels, height, width),
      ...(joined ? [tensor('class', 'batch', classes.length)] : []),
    ],
    output: [tensor('latent', 'batch', latent)],
    initializer: [floats('weights', [pixels + classes.length, latent], encoder), shapeOf(-1, pixels)],
    node: [
      { opType: 'Reshape', input: ['image', 'shape'], output: ['flat'] },
      ...(joined ? [concat(['flat', 'class'], 'seen')] : []),
      { opType: 'MatMul', input: [joined ? 'seen' : 'flat', 'weights'], output: ['latent'] },
    ],
  });
}

/** Writes the bundle into `models`/name; returns its manifest and the hash of its model.json. */
export async function writeDense(models: string, bundle: DenseBundle): Promise<{ manifest: Manifest; sha256: string }> {
  const { name, title, kind = 'gan', image, latent, classes, defaultTruncation, imagesSeen = 0, metrics } = bundle;
  const bytes = onnxOf(bundle);
  const conditional = classes.length > 0;
  const file = { path: 'generator.fp32.onnx', role: 'generator', variant: 'fp32', bytes: bytes.length };
  const encoder = encoderOf(bundle);
  const encoderFile = encoder && {
    ...{ path: 'encoder.fp32.onnx', role: 'encoder', variant: 'fp32', bytes: encoder.length },
    sha256: await sha256Hex(encoder),
  };
  const manifest = parseManifest({
    format: 'pocketgen-bundle',
    formatVersion: 3,
    name,
    title,
    description: 'A test bundle',
    kind,
    image,
    latent: { size: latent, distribution: 'normal', generator: 'philox4x32-10/as241' },
    classes,
    opset: 17,
    inputs: {
      latent: { name: 'latent', shape: ['batch', latent] },
      ...(conditional ? { classWeights: { name: 'class', shape: ['batch', classes.length] } } : {}),
    },
    output: { name: 'image', shape: ['batch', image.channels, image.height, image.width], range: [-1, 1] },
    ...(encoder && {
      encoder: {
        inputs: {
          image: { name: 'image', shape: ['batch', image.channels, image.height, image.width] },
          ...(conditional ? { classWeights: { name: 'class', shape: ['batch', classes.length] } } : {}),
        },
        output: { name: 'latent', shape: ['batch', latent] },
        goldens: [],
      },
    }),
    files: [{ ...file, sha256: await sha256Hex(bytes) }, ...(encoderFile ? [encoderFile] : [])],
    defaultVariant: 'fp32',
    defaultTruncation,
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
  const session = await engine.createSession(bytes);
  const generator = createGenerator(manifest, session, engine.Tensor);
  const requests = [1, 2].map((seed) => ({ seed, class: conditional ? 0 : undefined, truncation: 1 }));
  for (const [i, picture] of (await generator.generate(requests)).entries())
    manifest.goldens.push({
      variant: 'fp32',
      seed: requests[i]?.seed ?? 0,
      ...(conditional ? { class: 0 } : {}),
      truncation: 1,
      sha256: await sha256Hex(picture.data),
      pixels: Buffer.from(picture.data).toString('base64'),
    });
  await session.release();
  mkdirSync(join(models, name), { recursive: true });
  if (encoder && manifest.encoder) {
    manifest.encoder.goldens = await encoderGoldens(manifest, [{ variant: 'fp32', bytes: encoder }], onWasm);
    writeFileSync(join(models, name, 'encoder.fp32.onnx'), encoder);
  }
  const text = JSON.stringify(manifest);
  writeFileSync(join(models, name, file.path), bytes);
  writeFileSync(join(models, name, 'model.json'), text);
  return { manifest, sha256: await sha256Hex(new TextEncoder().encode(text)) };
}
