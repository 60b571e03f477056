// Gives a bundle of a test a completer, traced here: what is seen stays, the rest is a dense layer of latent, class and the mean
// of what is seen.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { sha256Hex } from '../../contract/bundle.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { randomNormals } from '../../contract/random.ts';
import { completerGoldens } from '../../export/completer.ts';
import { onWasm } from '../../export/open.ts';
import { trace } from '../../trace/index.ts';

export async function addCompleter(folder: string): Promise<Manifest> {
  const path = join(folder, 'model.json');
  const before = parseManifest(JSON.parse(readFileSync(path, 'utf8')));
  const { image, latent, classes, defaultVariant: variant } = before;
  const { width, height, channels } = image;
  const size = width * height * channels;
  const inputs = latent.size + classes.length + 1;
  const weights = tf.tensor2d(randomNormals(3, 97, 0, inputs * size), [inputs, size]);
  const shapes = {
    image: ['batch', channels, height, width] as ['batch', number, number, number],
    mask: ['batch', 1, height, width] as ['batch', number, number, number],
    latent: ['batch', latent.size] as ['batch', number],
    class: ['batch', classes.length] as ['batch', number],
  };
  const { class: classShape, ...others } = shapes;
  const traced = await trace(
    (given: Record<string, tf.Tensor>) => {
      const [picture, mask, z] = [given.image, given.mask, given.latent] as [tf.Tensor, tf.Tensor, tf.Tensor];
      const seen = tf.mul(picture, mask);
      const mean = tf.reshape(tf.mean(seen, [1, 2, 3]), [-1, 1]);
      const all = tf.concat([z, ...(given.class ? [given.class] : []), mean], 1) as tf.Tensor2D;
      const made = tf.reshape(tf.tanh(tf.matMul(all, weights)), [-1, channels, height, width]);
      return { completed: tf.add(seen, tf.mul(made, tf.sub(1, mask))) };
    },
    { ...others, ...(classes.length > 0 ? { class: classShape } : {}) },
    { name: 'completer' },
  );
  const bytes = new Uint8Array(traced.encode(variant));
  const file = `completer.${variant}.onnx`;
  const manifest: Manifest = {
    ...before,
    completer: {
      inputs: {
        image: { name: 'image', shape: shapes.image },
        mask: { name: 'mask', shape: shapes.mask },
        latent: { name: 'latent', shape: shapes.latent },
        ...(classes.length > 0 ? { classWeights: { name: 'class', shape: classShape } } : {}),
      },
      output: { name: 'completed', shape: shapes.image },
      goldens: [],
    },
    files: [
      ...before.files,
      { path: file, role: 'completer', variant, bytes: bytes.length, sha256: await sha256Hex(bytes) },
    ],
  };
  if (manifest.completer) manifest.completer.goldens = await completerGoldens(manifest, [{ variant, bytes }], onWasm);
  writeFileSync(join(folder, file), bytes);
  writeFileSync(path, JSON.stringify(parseManifest(manifest)));
  return manifest;
}
