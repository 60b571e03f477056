// A bundle with a way back, made in a second: the shipped generator and an encoder that is traced here.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { sha256Hex } from '../../contract/bundle.ts';
import { randomNormals } from '../../contract/random.ts';
import { encoderGoldens } from '../../export/encoder.ts';
import { onWasm } from '../../export/open.ts';
import { trace } from '../../trace/index.ts';

const FOLDER = 'models/fashion-gan';

/** Of no sense, but every pixel and the class count. */
async function encoderBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const [pixels, labels] = [784, 10].map((size, i) => tf.tensor2d(randomNormals(1, 2, i, size * 64), [size, 64]));
  const traced = await trace(
    ({ image, class: label }) => ({
      latent: tf.add(
        tf.matMul(tf.reshape(image as tf.Tensor, [-1, 784]), tf.mul(pixels as tf.Tensor2D, 0.03)),
        tf.matMul(label as tf.Tensor2D, labels as tf.Tensor2D),
      ),
    }),
    { image: ['batch', 1, 28, 28], class: ['batch', 10] },
    { name: 'encoder' },
  );
  return new Uint8Array(traced.encode('fp32'));
}

/** The bundle's files by name, all of the variant fp32. */
export async function bundleWithEncoder(): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const bytes = await encoderBytes();
  const json = JSON.parse(readFileSync(`${FOLDER}/model.json`, 'utf8'));
  json.defaultVariant = 'fp32';
  // It may have an encoder of its own.
  json.files = json.files.filter(
    ({ role, variant }: { role: string; variant: string }) => role === 'generator' && variant === 'fp32',
  );
  json.goldens = json.goldens.filter(({ variant }: { variant: string }) => variant === 'fp32');
  json.files.push({
    path: 'encoder.fp32.onnx',
    role: 'encoder',
    variant: 'fp32',
    bytes: bytes.length,
    sha256: await sha256Hex(bytes),
  });
  json.encoder = {
    inputs: {
      image: { name: 'image', shape: ['batch', 1, 28, 28] },
      classWeights: { name: 'class', shape: ['batch', 10] },
    },
    output: { name: 'latent', shape: ['batch', 64] },
    goldens: [],
  };
  json.encoder.goldens = await encoderGoldens(json, [{ variant: 'fp32', bytes }], onWasm);
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(json))],
    ['generator.fp32.onnx', new Uint8Array(readFileSync(`${FOLDER}/generator.fp32.onnx`))],
    ['encoder.fp32.onnx', bytes],
  ]);
}
