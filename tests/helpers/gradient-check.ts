// Gradients of a training step against the textbook's losses, in double precision: by autodiff and by finite differences.

import * as tf from '@tensorflow/tfjs';
import { randomNormals } from '../../contract/random.ts';
import { inputShapes, stateShapes } from '../../train/families/gan/step.ts';
import { trainedParameters } from '../../train/nn/layers.ts';
import { named, type Tensors, under } from '../../train/nn/tensors.ts';
import { inFloat64 } from './float64.ts';
import { gradientsOf, textbook } from './textbook.ts';
import { asTensors, PROBE, type Setup, scalarValues } from './training.ts';

/** By tensor, as `generator/…` or `discriminator/…`. */
export type Gradients = Record<string, number[]>;

const PLAYERS = ['generator', 'discriminator'] as const;
type Player = (typeof PLAYERS)[number];

function losses({
  options,
  state,
  inputs,
}: Setup): Record<Player, { loss: (p: Tensors) => tf.Scalar; parameters: Tensors }> {
  const tensors = asTensors(
    { ...state, ...inputs(0), ...scalarValues(PROBE) },
    { ...stateShapes(options), ...inputShapes(options) },
  );
  const [all, d] = [under('generator', tensors), under('discriminator', tensors)];
  const g = Object.fromEntries(
    trainedParameters(options.networks.generatorParameters).map(({ name }) => [name, named(all, name)]),
  );
  const book = textbook(options, g, d, tensors);
  return {
    generator: { loss: book.generator, parameters: g },
    discriminator: { loss: book.discriminator, parameters: d },
  };
}

/** The textbook's gradients by autodiff, in double precision. */
export function textbookGradients(setup: Setup): Gradients {
  return inFloat64(() => {
    const result: Gradients = {};
    for (const [player, { loss, parameters }] of Object.entries(losses(setup))) {
      for (const [name, values] of Object.entries(gradientsOf(loss, parameters))) result[`${player}/${name}`] = values;
    }
    return result;
  });
}

/** The losses themselves, the discriminator's with its penalty. */
export function textbookLosses(setup: Setup): Record<Player, number> {
  return inFloat64(() => {
    const { generator, discriminator } = losses(setup);
    const value = ({ loss, parameters }: typeof generator): number => Number(loss(parameters).dataSync()[0]);
    return { generator: value(generator), discriminator: value(discriminator) };
  });
}

export interface Slope {
  readonly player: Player;
  /** Where to, by tensor; tensors that are not named stay. */
  readonly direction: Readonly<Record<string, Float64Array>>;
  /** Measured d loss / d step. */
  readonly slope: number;
}

/** Parameters move by millionths: rounding stays below 1e-7 of the slope, and few leaky ReLUs change sides. */
const REACH = 1e-6;
const ATTEMPTS = 6;

/**
 * Slopes of the textbook's losses by central differences. Where two step sizes disagree, a leaky ReLU has changed its
 * side between them, and the next of `draw`'s directions is taken.
 *
 * @param draw tensors that move, and how far, for a player and an attempt; empty: none
 */
function measure(
  setup: Setup,
  draws: readonly ((shapes: Tensors, player: Player, attempt: number) => Slope['direction'])[],
) {
  return inFloat64(() => {
    const slopes: Slope[] = [];
    const all = losses(setup);
    for (const player of PLAYERS) {
      const { loss, parameters } = all[player];
      for (const draw of draws) {
        for (let attempt = 0; ; attempt++) {
          if (attempt === ATTEMPTS) throw new Error(`finite differences: ${player} has a kink in every direction`);
          const direction = draw(parameters, player, attempt);
          if (Object.keys(direction).length === 0) break;
          const longest = Math.max(...Object.values(direction).map(norm));
          const along = (step: number): number => slopeAlong(loss, parameters, player, direction, step / longest);
          const [wide, narrow] = [along(REACH), along(REACH / 2)];
          if (Math.abs(wide - narrow) > 1e-5 * (Math.abs(wide) + 1e-3 * longest)) continue;
          slopes.push({ player, direction, slope: wide });
          break;
        }
      }
    }
    return slopes;
  });
}

function slopeAlong(
  loss: (p: Tensors) => tf.Scalar,
  parameters: Tensors,
  player: Player,
  direction: Slope['direction'],
  step: number,
): number {
  const at = (s: number): number => {
    const value = tf.tidy(() => {
      const moved = { ...parameters };
      for (const [name, t] of Object.entries(parameters)) {
        const by = direction[`${player}/${name}`];
        if (by)
          moved[name] = tf.add(
            t,
            tf.tensor(
              Array.from(by, (x) => x * s),
              t.shape,
            ),
          );
      }
      return loss(moved);
    });
    const number = Number(value.dataSync()[0]);
    value.dispose();
    return number;
  };
  return (at(step) - at(-step)) / (2 * step);
}

/** One random direction for each parameter tensor. */
export function slopesOfEachTensor(setup: Setup): Slope[] {
  const { generatorParameters, discriminatorParameters } = setup.options.networks;
  const most = Math.max(trainedParameters(generatorParameters).length, discriminatorParameters.length);
  return measure(
    setup,
    Array.from({ length: most }, (_, i) => (parameters: Tensors, player: Player, attempt: number) => {
      const [name, t] = Object.entries(parameters)[i] ?? [];
      return t ? { [`${player}/${name}`]: randomVector(attempt, i, t.size) } : {};
    }),
  );
}

/** `count` random directions in which all tensors move, each by as much as makes its share of the slope the same. */
export function slopesOfAllTensors(setup: Setup, gradients: Gradients, count: number): Slope[] {
  const length = lengths(gradients);
  return measure(
    setup,
    Array.from(
      { length: count },
      (_, n) => (parameters: Tensors, player: Player, attempt: number) =>
        Object.fromEntries(
          Object.entries(parameters).map(([own, t], i) => {
            const name = `${player}/${own}`;
            return [name, randomVector(n * ATTEMPTS + attempt, i, t.size).map((x) => x / length(name))];
          }),
        ),
    ),
  );
}

const randomVector = (seed: number, index: number, count: number): Float64Array =>
  Float64Array.from(randomNormals(seed, 5, index, count));

const norm = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));

/** Lengths of the tensors, not less than 1e-4 of the longest: some gradients are zero (a bias of a relative score). */
function lengths(gradients: Gradients): (name: string) => number {
  const all = Object.fromEntries(Object.entries(gradients).map(([name, values]) => [name, norm(values)]));
  const least = 1e-4 * Math.max(...Object.values(all));
  return (name) => Math.max(all[name] ?? Number.NaN, least);
}

/**
 * Largest |slope − ⟨gradient, direction⟩|, relative to ‖gradient‖·‖direction‖/√n, what a random direction's slope is
 * expected to be (relative to itself it would be unbounded where the direction happens to be level).
 */
export function slopeError(gradients: Gradients, slopes: readonly Slope[]): Worst {
  const length = lengths(gradients);
  return worst(
    slopes.map(({ player, direction, slope }) => {
      let [product, scale] = [0, 0];
      for (const [name, by] of Object.entries(direction)) {
        const gradient = gradients[name] ?? [];
        product += by.reduce((sum, x, i) => sum + x * (gradient[i] ?? Number.NaN), 0);
        scale += (length(name) * norm(by)) ** 2 / by.length;
      }
      const names = Object.keys(direction);
      return { name: names.length === 1 ? `${names[0]}` : player, error: Math.abs(slope - product) / Math.sqrt(scale) };
    }),
  );
}

/** Largest ‖a − b‖ / ‖b‖ over the tensors. */
export function gradientError(a: Gradients, b: Gradients): Worst {
  const length = lengths(b);
  return worst(
    Object.entries(b).map(([name, expected]) => {
      const difference = expected.map((x, i) => x - (a[name]?.[i] ?? Number.NaN));
      return { name, error: norm(difference) / length(name) };
    }),
  );
}

export interface Worst {
  readonly name: string;
  readonly error: number;
}

function worst(list: readonly Worst[]): Worst {
  // NaN compares as false, so it is asked for by name.
  const broken = list.find(({ error }) => Number.isNaN(error));
  return broken ?? list.reduce((a, b) => (b.error > a.error ? b : a), { name: 'none', error: 0 });
}
