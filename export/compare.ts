// The same latents through tfjs, onnxruntime-node and onnxruntime-web wasm: how far their pictures lie apart.
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import { latentOf, oneHot } from '../contract/latent.ts';
import type { Variant } from '../contract/manifest.ts';
import { useBackend } from '../train/engines/tfjs.ts';
import { startSession } from './open.ts';
import { generatorFunction, type TrainedGenerator } from './weights.ts';

/** Largest absolute differences of the network's output, in [-1, 1]. */
export interface Agreement {
  readonly variant: Variant;
  /** tfjs's cpu backend (float32 weights) against onnxruntime-node. */
  readonly tfjsNode: number;
  readonly nodeWasm: number;
}

const BATCH = 4;
/** One level of 255 is 2/255; the run-times of one variant must stay far below it. */
const NODE_WASM_LIMIT = 1e-3;
const TFJS_LIMIT: Record<Variant, number> = { fp32: 1e-3, fp16: 0.1, int8: 1 };
/** Where a model chooses tokens, weights that are stored in fewer bits choose others, and draw another picture: anything goes. */
const CHOOSING_LIMIT: Record<Variant, number> = { ...TFJS_LIMIT, fp16: 2, int8: 2 };

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] ?? Number.NaN))), 0);

/** @throws UserError when the run-times disagree by more than rounding explains */
export async function compareRuntimes(
  trained: TrainedGenerator,
  variant: Variant,
  bytes: Uint8Array,
): Promise<Agreement> {
  const { latent: size, classes } = trained.model.spec;
  const latent = new Float32Array(BATCH * size);
  const weights = new Float32Array(BATCH * classes);
  for (let i = 0; i < BATCH; i++) {
    latent.set(latentOf(i, size), i * size);
    if (classes > 0) weights.set(oneHot((i * 3) % classes, classes), i * classes);
  }

  await useBackend('cpu');
  const expected = tf.tidy(() => {
    const inputs = { latent: tf.tensor2d(latent, [BATCH, size]) };
    const given = classes > 0 ? { ...inputs, class: tf.tensor2d(weights, [BATCH, classes]) } : inputs;
    return generatorFunction(trained)(given).image?.dataSync() as Float32Array;
  });

  const run = async (provider: 'cpu' | 'wasm'): Promise<Float32Array> => {
    const { session, Tensor } = await startSession(bytes, provider);
    const feeds = {
      latent: new Tensor('float32', latent, [BATCH, size]),
      ...(classes > 0 ? { class: new Tensor('float32', weights, [BATCH, classes]) } : {}),
    };
    const { image } = await session.run(feeds as unknown as Record<string, never>);
    const data = (await image?.getData()) as Float32Array;
    const copy = data.slice();
    await session.release();
    return copy;
  };
  const [node, wasm] = [await run('cpu'), await run('wasm')];
  const result = { variant, tfjsNode: largest(expected, node), nodeWasm: largest(node, wasm) };
  const limit = (trained.model.tokens ? CHOOSING_LIMIT : TFJS_LIMIT)[variant];
  if (!(result.tfjsNode <= limit && result.nodeWasm <= NODE_WASM_LIMIT)) {
    throw new UserError(
      `export ${variant}: expected tfjs and onnxruntime within ${limit} and onnxruntime-node and wasm within ` +
        `${NODE_WASM_LIMIT}, got ${result.tfjsNode} and ${result.nodeWasm}; nothing was written`,
    );
  }
  return result;
}
