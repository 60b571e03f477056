// The third step of a Transformer's training: the tokens of pictures, as the averaged encoder gives them. The first two are every
// autoencoder's.
import * as tf from '@tensorflow/tfjs';
import { augment, augmentationShapes } from '../../nn/augmentation.ts';
import {
  adam,
  averaged,
  averagedShapes,
  OPTIMISER,
  parameterGradients,
  scalarShapes,
  shapesOf,
} from '../../nn/optimiser.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../../nn/tensors.ts';
import { type AutoencoderOptions, pictureShapes } from '../autoencoder.ts';
import type { StepGraph } from '../family.ts';
import type { TokenNetwork, Told } from './network.ts';
import type { TransformerOptions } from './options.ts';
import { oneHotCodes, type Tokenizer } from './tokenizer.ts';

export interface TransformerStepOptions extends AutoencoderOptions {
  readonly networks: Tokenizer;
  readonly tokens: TokenNetwork;
  readonly transformer: TransformerOptions;
}

export const tokenShapes = ({ tokens, transformer }: TransformerStepOptions): Shapes =>
  averagedShapes('transformer', tokens.parameters, transformer.beta1);

/** Random numbers of a picture: two ends of the hidden part in either direction, and whether it is the part or the rest. */
export const HIDES = 5;
/** Ends lie up to so much beyond the picture, so that parts often touch its edges. */
const BEYOND = 0.25;

/** Uniform numbers [n, HIDES] → [n, side, side, 1], 1 where the picture is seen: around a rectangle, or in it. */
export function seenMask(uniform: tf.Tensor, side: number): tf.Tensor {
  const column = (i: number): tf.Tensor => tf.slice(uniform, [0, i], [-1, 1]); // [n, 1]
  const end = (i: number): tf.Tensor => tf.sub(tf.mul(column(i), 1 + 2 * BEYOND), BEYOND);
  const centres = tf.tensor2d(
    Array.from({ length: side }, (_, i) => (i + 0.5) / side),
    [1, side],
  );
  const within = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => {
    const [from, to] = [tf.minimum(a, b), tf.maximum(a, b)];
    return tf.mul(tf.step(tf.sub(centres, from)), tf.step(tf.sub(to, centres))); // [n, side]
  };
  const rows = tf.reshape(within(end(0), end(1)), [-1, side, 1, 1]);
  const columns = tf.reshape(within(end(2), end(3)), [-1, 1, side, 1]);
  const inside = tf.mul(rows, columns);
  const around = tf.reshape(tf.step(tf.sub(column(4), 0.5)), [-1, 1, 1, 1]);
  // around ? 1 − inside : inside
  return tf.add(inside, tf.mul(around, tf.sub(1, tf.mul(inside, 2))));
}

/** Half of a batch is drawn from nothing, the other half completed. */
export function tokenStep(options: TransformerStepOptions): StepGraph {
  const { networks, tokens, transformer, batch, augment: kinds } = options;
  const { resolution: size, channels, classes: classCount } = networks.spec;
  const { quantiser } = networks;
  const half = Math.floor(batch / 2);
  return {
    changes: tokenShapes(options),
    reads: prefixed('ema/encoder', shapesOf(networks.encoderParameters)),
    inputs: {
      ...pictureShapes(options),
      hides: [batch, HIDES],
      ...(classCount > 0 ? { drops: [batch, 1] } : {}),
      ...(kinds.length > 0 ? { changes: [batch, 1] } : {}),
      ...augmentationShapes({ kinds, size, channels }, 2 * batch),
      ...scalarShapes(OPTIMISER),
    },
    statistics: ['bits', 'completion'],
    beta1: transformer.beta1,
    run(inputs) {
      /** [batch, 1]: 1 with this probability. */
      const chosen = (name: string, probability: number): tf.Tensor =>
        tf.step(tf.sub(probability, named(inputs, name)));
      const plain = named(inputs, 'real');
      const changed = kinds.length > 0 ? chosen('changes', transformer.changed) : undefined;
      const pictures = changed
        ? tf.add(plain, tf.mul(tf.sub(augment(inputs, plain, 0), plain), tf.reshape(changed, [-1, 1, 1, 1])))
        : plain;
      const classes = inputs.classes && tf.mul(inputs.classes, tf.sub(1, chosen('drops', transformer.classDropout)));
      const codes = quantiser.codeOf(networks.levels(under('ema/encoder', inputs), pictures));
      const mask = seenMask(named(inputs, 'hides'), size);

      const rows = (x: tf.Tensor, from: number, count: number): tf.Tensor =>
        tf.slice(x, [from, ...Array<number>(x.rank - 1).fill(0)], [count, ...x.shape.slice(1)]);
      /** Nats a picture. */
      const nats = (p: Tensors, from: number, count: number, seen: boolean): tf.Tensor => {
        const told: Told = {
          classes: classes && rows(classes, from, count),
          changed: changed && rows(changed, from, count),
          seen: seen ? { pictures: rows(pictures, from, count), mask: rows(mask, from, count) } : undefined,
        };
        const own = rows(codes, from, count);
        const hot = tf.reshape(oneHotCodes(own, quantiser.codes), [count, -1, quantiser.codes]);
        return tf.div(tf.neg(tf.sum(tf.mul(tokens.predict(p, own, told), hot))), count);
      };
      const parts = (p: Tensors): [tf.Tensor, tf.Tensor] => [
        nats(p, 0, half, false),
        nats(p, half, batch - half, true),
      ];
      const parameters = under('transformer', inputs);
      const gradients = parameterGradients((p) => tf.add(...parts(p)), parameters);
      const next = adam('transformer', parameters, gradients, inputs, transformer.beta1);
      const [bits, completion] = parts(parameters).map((x) => tf.div(x, Math.LN2)) as [tf.Tensor, tf.Tensor];
      return { ...next, ...averaged('ema/transformer', 'transformer', inputs, next), bits, completion };
    },
  };
}
