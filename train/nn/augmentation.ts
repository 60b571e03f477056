// What the discriminator sees of small sets: real and generated pictures changed at random in the same ways, each way with a
// probability below one, so that the generator does not learn to draw the changes (Karras et al. 2020, arXiv:2006.06676).
// All are linear maps of a picture given as inputs of the step, so gradients pass through them as they are.

import * as tf from '@tensorflow/tfjs';
import { randomNormals, randomWords } from '../../contract/random.ts';
import { named, type Shapes, type Tensors } from './tensors.ts';

export const AUGMENTATIONS = ['mirror', 'shift', 'fractional-shift', 'scale', 'aspect', 'colour', 'cutout'] as const;
export type Augmentation = (typeof AUGMENTATIONS)[number];

const MOVES: readonly Augmentation[] = ['mirror', 'shift', 'fractional-shift', 'scale', 'aspect'];

/** Whole shifts reach an eighth of the side; standard deviations of the others: of the side, and of octaves. */
const [REACH, DRIFT, SCALE, ASPECT] = [1 / 8, 1 / 16, 0.2, 0.2];
/** Standard deviations: brightness in the range [-1, 1], contrast and saturation in octaves. Hue turns to any angle. */
const [BRIGHTNESS, CONTRAST, SATURATION] = [0.2, 0.5, 1];
/** Side of the square cut out, in sides of the picture (DeVries & Taylor 2017). */
const CUTOUT = 0.5;

export interface AugmentationOptions {
  readonly kinds: readonly Augmentation[];
  /** Pixels of the square pictures' side. */
  readonly size: number;
  readonly channels: number;
}

/** Inputs of the step that change n pictures, by name. */
export function augmentationShapes({ kinds, size, channels }: AugmentationOptions, n: number): Shapes {
  return {
    ...(kinds.some((kind) => MOVES.includes(kind)) ? { rows: [n, size, size] } : {}),
    ...(kinds.some((kind) => kind !== 'cutout') ? { columns: [n, size * channels, size * channels] } : {}),
    ...(kinds.includes('colour') ? { offset: [n, 1, 1, channels] } : {}),
    ...(kinds.includes('cutout') ? { mask: [n, size, size, 1] } : {}),
  };
}

/**
 * Pictures [n, h, w, c] changed by the inputs at `from` and after: rows · x · columns + offset, then the cutout. `columns` works on
 * a row's pixels and their colours at once, [w·c, w·c]: two matrix products do everything, without a transposition.
 */
export function augment(inputs: Tensors, x: tf.Tensor, from: number): tf.Tensor {
  const [n = 1, size = 1, , channels = 1] = x.shape;
  const part = (name: string): tf.Tensor => {
    const all = named(inputs, name);
    return tf.slice(all, [from, ...Array<number>(all.rank - 1).fill(0)], [n, ...all.shape.slice(1)]);
  };
  let y = tf.reshape(x, [n, size, size * channels]);
  if (inputs.rows) y = tf.matMul(part('rows'), y);
  if (inputs.columns) y = tf.matMul(y, part('columns'));
  y = tf.reshape(y, [n, size, size, channels]);
  if (inputs.offset) y = tf.add(y, part('offset'));
  if (inputs.mask) {
    const empty = channels === 4 ? -1 : 0; // transparent, or the middle of the range
    y = tf.add(tf.mul(tf.sub(y, empty), part('mask')), empty);
  }
  return y;
}

const TWO_32 = 4294967296;
/** Random streams of a run, as offsets from its first; see data/batches.ts. */
export interface AugmentationStreams {
  readonly words: number;
  readonly normals: number;
}

/** Fills the inputs of `augmentationShapes` again and again: buffers are made once. */
export function createAugmenter(options: AugmentationOptions, n: number, seed: number, streams: AugmentationStreams) {
  const { kinds, size, channels } = options;
  const inputs: Record<string, Float32Array> = Object.fromEntries(
    Object.entries(augmentationShapes(options, n)).map(([name, shape]) => [
      name,
      new Float32Array(shape.reduce((a, b) => a * b, 1)),
    ]),
  );

  /** @param positions of the n pictures among all that are ever shown: each has random numbers of its own */
  return (positions: readonly number[], probability: number): Record<string, Float32Array> => {
    const { rows, columns, offset, mask } = inputs;
    rows?.fill(0);
    columns?.fill(0);
    mask?.fill(1);
    positions.forEach((position, i) => {
      const words = randomWords(seed, streams.words, position, 16);
      const normals = randomNormals(seed, streams.normals, position, 8);
      const uniform = (k: number): number => (words[k] ?? 0) / TWO_32;
      const normal = (k: number): number => normals[k] ?? 0;
      /** Words 0 to 6 decide which kinds happen, 7 to 9 which further parts of `colour` do. */
      const happens = (kind: Augmentation, part = 0): boolean =>
        kinds.includes(kind) && uniform(part === 0 ? AUGMENTATIONS.indexOf(kind) : 6 + part) < probability;
      const scale = happens('scale') ? 2 ** (SCALE * normal(0)) : 1;
      const aspect = happens('aspect') ? 2 ** (ASPECT * normal(1)) : 1;
      const reach = Math.round(size * REACH);
      const whole = (k: number): number => Math.floor(uniform(k) * (2 * reach + 1)) - reach;
      const [shifted, drifted] = [happens('shift'), happens('fractional-shift')];
      const shift = (k: number): number => (shifted ? whole(10 + k) : 0) + (drifted ? size * DRIFT * normal(2 + k) : 0);
      const change: ColourChange = {
        brightness: happens('colour') ? BRIGHTNESS * normal(4) : 0,
        contrast: happens('colour', 1) ? 2 ** (CONTRAST * normal(5)) : 1,
        saturation: happens('colour', 2) ? 2 ** (SATURATION * normal(6)) : 1,
        hue: happens('colour', 3) ? 2 * Math.PI * uniform(13) : 0,
      };
      if (rows)
        resample(size, scale / aspect, shift(0), (to, from, weight) =>
          add(rows, (i * size + to) * size + from, weight),
        );
      if (columns) {
        const { matrix, added } = colours(change, channels);
        const mirrored = happens('mirror') && uniform(12) < 0.5;
        const side = size * channels;
        resample(size, scale * aspect, shift(1), (to, from, weight) => {
          const column = (mirrored ? size - 1 - to : to) * channels;
          for (let a = 0; a < channels; a++) {
            const row = ((i * size + from) * channels + a) * side + column;
            for (let b = 0; b < channels; b++) add(columns, row + b, weight * (matrix[a * channels + b] ?? 0));
          }
        });
        offset?.set(added, i * channels);
      }
      if (mask && happens('cutout')) {
        const [top, left] = [uniform(14) * size, uniform(15) * size];
        for (let y = 0; y < size; y++)
          for (let x = 0; x < size; x++)
            if (Math.max(Math.abs(y + 0.5 - top), Math.abs(x + 0.5 - left)) < (CUTOUT * size) / 2)
              mask[(i * size + y) * size + x] = 0;
      }
    });
    return inputs;
  };
}

const add = (into: Float32Array, at: number, x: number): void => {
  into[at] = (into[at] ?? 0) + x;
};

/**
 * One direction of a move: place `to` takes the picture at (to − shift − middle) / scale + middle, between two pixels a mixture of
 * both. Beyond the border the picture goes on mirrored, so that no edge is invented.
 */
function resample(
  size: number,
  scale: number,
  shift: number,
  tap: (to: number, from: number, weight: number) => void,
): void {
  const reflect = (at: number): number => {
    const k = ((at % (2 * size)) + 2 * size) % (2 * size);
    return k < size ? k : 2 * size - 1 - k;
  };
  for (let to = 0; to < size; to++) {
    const at = (to + 0.5 - shift - size / 2) / scale + size / 2 - 0.5;
    const low = Math.floor(at);
    const high = at - low;
    tap(to, reflect(low), 1 - high);
    if (high > 0) tap(to, reflect(low + 1), high);
  }
}

/** Of straight colours in [-1, 1]: turned by `hue` around grey, `saturation` away from it, `contrast` around 0, then `brightness` added. */
interface ColourChange {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly hue: number;
}

/** As the step multiplies: pixel [c] · matrix [c, c] + added [c]; row by row. */
function colours(
  { brightness, contrast, saturation, hue }: ColourChange,
  channels: number,
): { matrix: readonly number[]; added: readonly number[] } {
  // Grey has no hue, and saturation leaves it as it is.
  if (channels === 1) return { matrix: [contrast], added: [brightness] };
  const [cos, sin] = [Math.cos(hue), Math.sin(hue)];
  const three = [0, 1, 2].map((from) =>
    [0, 1, 2].map((to) => {
      // Rodrigues' rotation around (1, 1, 1) / √3; its part along that axis is 1/3 everywhere.
      const cross = from === to ? 0 : (from + 1) % 3 === to ? 1 : -1;
      const across = cos * ((from === to ? 1 : 0) - 1 / 3) + (sin * cross) / Math.sqrt(3);
      return contrast * (1 / 3 + saturation * across);
    }),
  );
  if (channels === 3) return { matrix: three.flat(), added: [brightness, brightness, brightness] };
  // Premultiplied: with q = x + 1 and alpha q₄ / 2, straight v = 2q / q₄ − 1, so v·M + b becomes q·M + q₄ · (1 − Σ M + b) / 2;
  // every column of M sums to the contrast.
  const ofAlpha = (1 - contrast + brightness) / 2;
  const add = contrast + ofAlpha - 1;
  return {
    matrix: [...three.flatMap((row) => [...row, 0]), ofAlpha, ofAlpha, ofAlpha, 1],
    added: [add, add, add, 0],
  };
}
