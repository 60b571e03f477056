// Small bundles for the edge's tests, written as real ONNX files: `tiny-colour` (RGB 8x6, three classes), `tiny-plain`
// (grey 4x4, no classes) and `tiny-clear` (RGBA 9x7, two classes). The networks are one matrix product and a tanh, with weights from our own streams.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { sha256Hex } from '../../contract/bundle.ts';
import { createGenerator } from '../../contract/generator.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { randomNormals } from '../../contract/random.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';

export interface Tiny {
  name: string;
  image: { width: number; height: number; channels: number };
  latent: number;
  classes: string[];
}

export const COLOUR: Tiny = {
  name: 'tiny-colour',
  image: { width: 8, height: 6, channels: 3 },
  latent: 5,
  classes: ['T-shirt/top', 'Ankle boot', 'Bag'],
};
export const PLAIN: Tiny = { name: 'tiny-plain', image: { width: 4, height: 4, channels: 1 }, latent: 3, classes: [] };
export const CLEAR: Tiny = {
  name: 'tiny-clear',
  image: { width: 9, height: 7, channels: 4 },
  latent: 4,
  classes: ['Ghost', 'Bag'],
};

function onnxOf({ image, latent, classes }: Tiny): Uint8Array {
  const { width, height, channels } = image;
  const rows = latent + classes.length;
  const pixels = width * height * channels;
  const weights = randomNormals(7, 99, 0, rows * pixels);
  const floats = (size: number) => [
    { value: { case: 'dimParam' as const, value: 'batch' } },
    { value: { case: 'dimValue' as const, value: BigInt(size) } },
  ];
  const tensor = (name: string, dims: { value: object }[]) => ({
    name,
    type: {
      value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.FLOAT, shape: { dim: dims } } },
    },
  });
  const inputs = [
    tensor('latent', floats(latent)),
    ...(classes.length > 0 ? [tensor('class', floats(classes.length))] : []),
  ];
  const joined = classes.length > 0;
  const axis = { name: 'axis', type: AttributeProto_AttributeType.INT, i: 1n };
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    graph: {
      name: 'tiny',
      input: inputs as never,
      output: [
        tensor('image', [
          ...floats(channels),
          ...[height, width].map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } })),
        ]) as never,
      ],
      initializer: [
        {
          name: 'weights',
          dataType: TensorProto_DataType.FLOAT,
          dims: [BigInt(rows), BigInt(pixels)],
          rawData: new Uint8Array(weights.buffer as ArrayBuffer),
        },
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
        { opType: 'Reshape', input: ['flat', 'shape'], output: ['planes'] },
        { opType: 'Tanh', input: ['planes'], output: ['image'] },
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** Writes the bundle into `models`/name and returns its manifest; goldens are what wasm gives. */
export async function writeTiny(models: string, tiny: Tiny): Promise<Manifest> {
  const { name, image, latent, classes } = tiny;
  const bytes = onnxOf(tiny);
  const file = {
    path: 'generator.fp32.onnx',
    role: 'generator',
    variant: 'fp32',
    bytes: bytes.length,
    sha256: await sha256Hex(bytes),
  } as const;
  const manifest = parseManifest({
    format: 'pocketgen-bundle',
    formatVersion: 3,
    name,
    title: `Tiny ${name}`,
    description: 'A test bundle',
    kind: 'gan',
    image,
    latent: { size: latent, distribution: 'normal', generator: 'philox4x32-10/as241' },
    classes,
    opset: 17,
    inputs: {
      latent: { name: 'latent', shape: ['batch', latent] },
      ...(classes.length > 0 ? { classWeights: { name: 'class', shape: ['batch', classes.length] } } : {}),
    },
    output: { name: 'image', shape: ['batch', image.channels, image.height, image.width], range: [-1, 1] },
    files: [file],
    defaultVariant: 'fp32',
    defaultTruncation: 0.9,
    goldens: [],
    training: {
      preset: 'none',
      config: {},
      dataset: { name: 'none', sha256: '' },
      imagesSeen: 0,
      engine: 'none',
      seed: 0,
    },
    license: 'MIT',
  });
  const engine = wasmEngine();
  const generator = createGenerator(manifest, await engine.createSession(bytes), engine.Tensor);
  const requests = [1, 2].map((seed) => ({ seed, class: classes.length > 0 ? 0 : undefined, truncation: 1 }));
  const pictures = await generator.generate(requests);
  for (const [i, picture] of pictures.entries()) {
    const { seed = 0, class: index } = requests[i] ?? {};
    manifest.goldens.push({
      variant: 'fp32',
      seed,
      ...(index === undefined ? {} : { class: index }),
      truncation: 1,
      sha256: await sha256Hex(picture.data),
      pixels: btoa(String.fromCharCode(...picture.data)),
    });
  }
  mkdirSync(join(models, name), { recursive: true });
  writeFileSync(join(models, name, file.path), bytes);
  writeFileSync(join(models, name, 'model.json'), JSON.stringify(manifest));
  return manifest;
}
