// A GAN's training step: state and inputs in, new state and statistics out. Both players move at once, from one set of pictures.
import * as tf from '@tensorflow/tfjs';
import { type Augmentation, augment, augmentationShapes } from '../../nn/augmentation.ts';
import { trainedParameters } from '../../nn/layers.ts';
import { byBatch } from '../../nn/normalisation.ts';
import { adam, averaged, momentShapes, parameterGradients, scalarShapes, shapesOf } from '../../nn/optimiser.ts';
import type { Networks } from '../../nn/spec.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../../nn/tensors.ts';
import { CONTEST_STATISTICS, contest, type LossName } from '../contest.ts';
import type { StepGraph } from '../family.ts';

export interface StepOptions {
  readonly networks: Networks;
  readonly batch: number;
  readonly loss: LossName;
  /** Zero-centred gradient penalties on real (R1) and generated (R2) pictures; weight comes with the inputs. */
  readonly penalty: boolean;
  /** Adam's β1; 0 leaves the first moment out of the state. */
  readonly beta1: number;
  /** How the pictures that D sees are changed; adds inputs. */
  readonly augment: readonly Augmentation[];
}

/** Numbers that change from step to step, as inputs of shape []. */
export const SCALARS = ['learningRate', 'beta2', 'correction1', 'correction2', 'gamma', 'emaDecay'] as const;

/** Shape of every tensor of the state, by name: parameters, their average, Adam's moments of those with a gradient. */
export function stateShapes({ networks, beta1 }: StepOptions): Shapes {
  const [g, d] = [shapesOf(networks.generatorParameters), shapesOf(networks.discriminatorParameters)];
  return {
    ...prefixed('generator', g),
    ...prefixed('discriminator', d),
    ...prefixed('ema', g),
    ...momentShapes('generator', shapesOf(trainedParameters(networks.generatorParameters)), beta1),
    ...momentShapes('discriminator', d, beta1),
  };
}

/** Shape of every other input. */
export function inputShapes({ networks, batch, augment: kinds }: StepOptions): Shapes {
  const { resolution, channels, latent, classes } = networks.spec;
  return {
    real: [batch, resolution, resolution, channels],
    latent: [batch, latent],
    ...(classes > 0 ? { classes: [batch, classes] } : {}),
    ...augmentationShapes({ kinds, size: resolution, channels }, 2 * batch),
    ...scalarShapes(SCALARS),
  };
}

export function createStep(options: StepOptions): StepGraph {
  return {
    changes: stateShapes(options),
    reads: {},
    inputs: inputShapes(options),
    statistics: CONTEST_STATISTICS,
    beta1: options.beta1,
    run: stepFunction(options),
  };
}

function stepFunction(options: StepOptions): (inputs: Tensors) => Tensors {
  const { networks, batch, beta1 } = options;

  return (inputs) => {
    const [g, d] = [under('generator', inputs), under('discriminator', inputs)];
    const [real, latent, classes] = [named(inputs, 'real'), named(inputs, 'latent'), inputs.classes];
    const seen = (pictures: tf.Tensor, from: number): tf.Tensor =>
      options.augment.length > 0 ? augment(inputs, pictures, from) : pictures;

    const averages: Tensors = {};
    const made = networks.generate(g, latent, classes, byBatch(averages));
    const pictures = tf.concat([seen(real, 0), seen(made, batch)], 0); // [2·batch, h, w, c]
    const { gradients: gradientsD, towards, statistics, dispose } = contest(options, d, pictures, classes, inputs);

    // The picture gradient of the generator's loss, pulled back through augmentation and network.
    const trained = Object.fromEntries(
      trainedParameters(networks.generatorParameters).map(({ name }) => [name, named(g, name)]),
    );
    const gradientsG = parameterGradients((p) => {
      const again = networks.generate({ ...g, ...p }, latent, classes, byBatch({}));
      return tf.sum(tf.mul(seen(again, batch), towards));
    }, trained);

    const nextD = adam('discriminator', d, gradientsD, inputs, beta1);
    const nextG = {
      ...adam('generator', trained, gradientsG, inputs, beta1),
      ...prefixed('generator', averages),
    };
    const ema = averaged('ema', 'generator', inputs, nextG);
    dispose();
    return { ...nextG, ...nextD, ...ema, ...statistics };
  };
}
