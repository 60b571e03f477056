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

export interface DenseBundle {
  name: string;
  title: string;
  image: { width: number; height: number; channels: number };
  latent: number;
  classes: readonly string[];
  /** [latent + classes, channels × height × width] */
  weights: Float32Array;
  /** [channels × height × width]; none if absent. */
  bias?: Float32Array;
  defaultTruncation: number;
  imagesSeen?: number;
  metrics?: BundleMetrics | undefined;
}

function onnxOf({ image, latent, classes, weights, bias }: DenseBundle): Uint8Array<ArrayBuffer> {
  const { width, height, channels } = image;
  const pixels = width * height * channels;
  const joined = classes.length > 0;
  const tensor = (name: string, ...sizes: number[]) => {
    const dim = [
      { value: { case: 'dimParam' as const, value: 'batch' } },
      ...sizes.map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } })),
    ];
    const elemType = TensorProto_DataType.FLOAT;
    return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
  };
  const floats = (name: string, dims: number[], data: Float32Array) => ({
    name,
    dataType: TensorProto_DataType.FLOAT,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer),
  });
  const axis = { name: 'axis', type: AttributeProto_AttributeType.INT, i: 1n };
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      name: 'dense',
      input: [tensor('latent', latent), ...(joined ? [tensor('class', classes.length)] : [])] as never,
      output: [tensor('image', channels, height, width)] as never,
      initializer: [
        floats('weights', [latent + classes.length, pixels], weights),
        ...(bias === undefined ? [] : [floats('bias', [1, pixels], bias)]),
        {
          name: 'shape',
          dataType: TensorProto_DataType.INT64,
          dims: [4n],
          int64Data: [-1, channels, height, width].map(BigInt),
        },
      ],
      node: [
        ...(joined ? [{ opType: 'Concat', input: ['latent', 'class'], output: ['z'], attribute: [axis] }] : []),
        { opType: 'MatMul', input: [joined ? 'z' : 'latent', 'weights'], output: ['flat'] },
        ...(bias === undefined ? [] : [{ opType: 'Add', input: ['flat', 'bias'], output: ['sum'] }]),
        { opType: 'Reshape', input: [bias === undefined ? 'flat' : 'sum', 'shape'], output: ['planes'] },
        { opType: 'Tanh', input: ['planes'], output: ['image'] },
      ],
    },
  });
  return new Uint8Array(toBinary(ModelProtoSchema, model));
}

/** Writes the bundle into `models`/name; returns its manifest and the hash of its model.json. */
export async function writeDense(models: string, bundle: DenseBundle): Promise<{ manifest: Manifest; sha256: string }> {
  const { name, title, image, latent, classes, defaultTruncation, imagesSeen = 0, metrics } = bundle;
  const bytes = onnxOf(bundle);
  const conditional = classes.length > 0;
  const file = { path: 'generator.fp32.onnx', role: 'generator', variant: 'fp32', bytes: bytes.length };
  const manifest = parseManifest({
    format: 'pocketgen-bundle',
    formatVersion: 3,
    name,
    title,
    description: 'A test bundle',
    kind: 'gan',
    image,
    latent: { size: latent, distribution: 'normal', generator: 'philox4x32-10/as241' },
    classes,
    opset: 17,
    inputs: {
      latent: { name: 'latent', shape: ['batch', latent] },
      ...(conditional ? { classWeights: { name: 'class', shape: ['batch', classes.length] } } : {}),
    },
    output: { name: 'image', shape: ['batch', image.channels, image.height, image.width], range: [-1, 1] },
    files: [{ ...file, sha256: await sha256Hex(bytes) }],
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
  const text = JSON.stringify(manifest);
  writeFileSync(join(models, name, file.path), bytes);
  writeFileSync(join(models, name, 'model.json'), text);
  return { manifest, sha256: await sha256Hex(new TextEncoder().encode(text)) };
}
