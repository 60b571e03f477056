// What every step does with its gradients: Adam, and the averaged parameters beside the trained ones.
import * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from './layers.ts';
import { named, prefixed, type Shapes, type Tensors, under } from './tensors.ts';

const ADAM_EPSILON = 1e-8;

export const shapesOf = (parameters: readonly ParameterSpec[]): Shapes =>
  Object.fromEntries(parameters.map(({ name, shape }) => [name, shape]));

/** Adam's moments of the parameters under `group/`: the first only where β1 asks for it. */
export function momentShapes(group: string, parameters: Shapes, beta1: number): Shapes {
  const moments = prefixed(`adam.v/${group}`, parameters);
  return beta1 > 0 ? { ...moments, ...prefixed(`adam.m/${group}`, parameters) } : moments;
}

/** State of a network that is trained and averaged. */
export function averagedShapes(name: string, parameters: readonly ParameterSpec[], beta1: number): Shapes {
  const shapes = shapesOf(parameters);
  return { ...prefixed(name, shapes), ...prefixed(`ema/${name}`, shapes), ...momentShapes(name, shapes, beta1) };
}

/** Numbers that `adam` and `averaged` take besides. */
export const OPTIMISER = ['learningRate', 'beta2', 'correction1', 'correction2', 'emaDecay'] as const;

/** Of inputs that are one number each. */
export const scalarShapes = (names: readonly string[]): Shapes => Object.fromEntries(names.map((name) => [name, []]));

/** Gradients of Σ dy·f(parameters) with respect to every parameter. */
export function parameterGradients(f: (p: Tensors) => tf.Tensor, parameters: Tensors, dy?: tf.Tensor): Tensors {
  const names = Object.keys(parameters);
  const rebuild = (list: tf.Tensor[]): Tensors =>
    Object.fromEntries(names.map((name, i) => [name, list[i] as tf.Tensor]));
  return rebuild(tf.grads((...list: tf.Tensor[]) => f(rebuild(list)))(Object.values(parameters), dy));
}

/**
 * One Adam step (Kingma & Ba 2015) on every parameter of a group; `inputs` holds the moments and the numbers `learningRate`,
 * `beta2`, `correction1` and `correction2`, the bias corrections as 1 / (1 − Πβ).
 */
export function adam(group: string, parameters: Tensors, gradients: Tensors, inputs: Tensors, beta1: number): Tensors {
  const result: Tensors = {};
  const beta2 = named(inputs, 'beta2');
  const rate = tf.mul(named(inputs, 'learningRate'), named(inputs, 'correction1'));
  for (const [name, parameter] of Object.entries(parameters)) {
    const gradient = named(gradients, name);
    const v = named(inputs, `adam.v/${group}/${name}`);
    const nextV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), tf.sub(1, beta2)));
    let nextM = gradient;
    if (beta1 > 0) {
      const m = named(inputs, `adam.m/${group}/${name}`);
      nextM = tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1));
      result[`adam.m/${group}/${name}`] = nextM;
    }
    const scale = tf.add(tf.sqrt(tf.mul(nextV, named(inputs, 'correction2'))), ADAM_EPSILON);
    result[`adam.v/${group}/${name}`] = nextV;
    result[`${group}/${name}`] = tf.sub(parameter, tf.div(tf.mul(nextM, rate), scale));
  }
  return result;
}

/** The averages under `average/`, moved towards what `group/` is now; `emaDecay` of the inputs is the part that stays. */
export function averaged(average: string, group: string, inputs: Tensors, now: Tensors): Tensors {
  const decay = named(inputs, 'emaDecay');
  const moved = Object.entries(under(average, inputs)).map(([name, before]) => {
    const value = named(now, `${group}/${name}`);
    return [name, tf.add(value, tf.mul(tf.sub(before, value), decay))] as const;
  });
  return prefixed(average, Object.fromEntries(moved));
}
