// What the discriminator sees of small sets: real and generated pictures changed at random in the same ways, each way with a
// probability below one, so that the generator does not learn to draw the changes (Karras et al. 2020, arXiv:2006.06676).
// All are linear maps of a picture given as inputs of the step, so gradients pass through them as they are.
import * as tf from '@tensorflow/tfjs';
import { randomNormals, randomWords } from '../contract/random.ts';
import { parameter, type Tensors } from './networks/layers.ts';

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

type Shapes = Record<string, readonly number[]>;

/** Inputs of the step that change n pictures, by name. */
export function augmentationShapes({ kinds, size, channels }: AugmentationOptions, n: number): Shapes {
  return {
    ...(kinds.some((kind) => MOVES.includes(kind)) ? { rows: [n, size, size], columns: [n, size, size] } : {}),
    ...(kinds.includes('colour') ? { colour: [n, channels, channels], offset: [n, 1, channels] } : {}),
    ...(kinds.includes('cutout') ? { mask: [n, size, size, 1] } : {}),
  };
}

/** Pictures [n, h, w, c] changed by the inputs at `from` and after: rows · x · columnsᵀ, then colours, then the cutout. */
export function augment(inputs: Tensors, x: tf.Tensor, from: number): tf.Tensor {
  const [n = 1, size = 1, , channels = 1] = x.shape;
  const part = (name: string): tf.Tensor => {
    const all = parameter(inputs, name);
    return tf.slice(all, [from, ...Array<number>(all.rank - 1).fill(0)], [n, ...all.shape.slice(1)]);
  };
  let y = x;
  if (inputs.rows) {
    y = tf.matMul(part('rows'), tf.reshape(y, [n, size, size * channels]));
    // Columns: bring them to the front of each picture, multiply, bring them back.
    y = tf.reshape(tf.transpose(tf.reshape(y, [n, size, size, channels]), [0, 2, 1, 3]), [n, size, size * channels]);
    y = tf.transpose(tf.reshape(tf.matMul(part('columns'), y), [n, size, size, channels]), [0, 2, 1, 3]);
  }
  if (inputs.colour) {
    const pixels = tf.reshape(y, [n, size * size, channels]);
    y = tf.reshape(tf.add(tf.matMul(pixels, part('colour')), part('offset')), [n, size, size, channels]);
  }
  if (inputs.mask) {
    const empty = channels === 4 ? -1 : 0; // transparent, or the middle of the range
    y = tf.add(tf.mul(tf.sub(y, empty), part('mask')), empty);
  }
  return y;
}

const TWO_32 = 4294967296;
/** Random streams of a run, as offsets from its first; see batches.ts. */
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
    const { rows, columns, colour, offset, mask } = inputs;
    rows?.fill(0);
    columns?.fill(0);
    mask?.fill(1);
    positions.forEach((position, i) => {
      const words = randomWords(seed, streams.words, position, 16);
      const normals = randomNormals(seed, streams.normals, position, 8);
      const uniform = (k: number): number => (words[k] ?? 0) / TWO_32;
      const normal = (k: number): number => normals[k] ?? 0;
      /** Words 0 to 6 decide which kinds happen, 7 to 9 which parts of `colour` do. */
      const happens = (kind: Augmentation): boolean =>
        kinds.includes(kind) && uniform(AUGMENTATIONS.indexOf(kind)) < probability;
      if (rows && columns) {
        const scale = happens('scale') ? 2 ** (SCALE * normal(0)) : 1;
        const aspect = happens('aspect') ? 2 ** (ASPECT * normal(1)) : 1;
        const reach = Math.round(size * REACH);
        const whole = (k: number): number => Math.floor(uniform(k) * (2 * reach + 1)) - reach;
        const [shifted, drifted] = [happens('shift'), happens('fractional-shift')];
        const shift = (k: number): number =>
          (shifted ? whole(10 + k) : 0) + (drifted ? size * DRIFT * normal(2 + k) : 0);
        resample(rows, i, size, scale / aspect, shift(0), false);
        resample(columns, i, size, scale * aspect, shift(1), happens('mirror') && uniform(12) < 0.5);
      }
      if (colour && offset) {
        // One decision for each part: `colour` as a whole would change all of them or none.
        const part = (k: number): boolean => uniform([AUGMENTATIONS.indexOf('colour'), 7, 8, 9][k] ?? 0) < probability;
        const change = colourChange({
          brightness: part(0) ? BRIGHTNESS * normal(4) : 0,
          contrast: part(1) ? 2 ** (CONTRAST * normal(5)) : 1,
          saturation: part(2) ? 2 ** (SATURATION * normal(6)) : 1,
          hue: part(3) ? 2 * Math.PI * uniform(13) : 0,
        });
        writeColour(change, channels, colour.subarray(i * channels ** 2), offset.subarray(i * channels));
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

/**
 * The matrix [size, size] of one direction into place i: output y takes the picture at (y − shift − middle) / scale + middle, between
 * two pixels a mixture of both. Beyond the border the picture goes on mirrored, so that no edge is invented.
 */
function resample(into: Float32Array, i: number, size: number, scale: number, shift: number, mirror: boolean): void {
  const reflect = (at: number): number => {
    const k = ((at % (2 * size)) + 2 * size) % (2 * size);
    return k < size ? k : 2 * size - 1 - k;
  };
  for (let y = 0; y < size; y++) {
    const at = (y + 0.5 - shift - size / 2) / scale + size / 2 - 0.5;
    const low = Math.floor(at);
    const row = (i * size + (mirror ? size - 1 - y : y)) * size;
    for (const [tap, weight] of [
      [reflect(low), 1 - (at - low)],
      [reflect(low + 1), at - low],
    ] as const)
      into[row + tap] = (into[row + tap] ?? 0) + weight;
  }
}

interface ColourChange {
  readonly matrix: readonly (readonly number[])[];
  /** Added to every colour, in the range [-1, 1]. */
  readonly brightness: number;
}

/** Straight colours in [-1, 1]: turned by `hue` around grey, `saturation` away from it, `contrast` around the middle. */
function colourChange(given: { brightness: number; contrast: number; saturation: number; hue: number }): ColourChange {
  const { brightness, contrast, saturation, hue } = given;
  const [cos, sin] = [Math.cos(hue), Math.sin(hue)];
  const matrix = [0, 1, 2].map((from) =>
    [0, 1, 2].map((to) => {
      // Rodrigues' rotation around (1, 1, 1) / √3; its part along that axis is 1/3 everywhere.
      const cross = from === to ? 0 : (from + 1) % 3 === to ? 1 : -1;
      const across = cos * ((from === to ? 1 : 0) - 1 / 3) + (sin * cross) / Math.sqrt(3);
      return contrast * (1 / 3 + saturation * across);
    }),
  );
  return { matrix, brightness: brightness * contrast };
}

/** As the step multiplies: pixel [c] · matrix [c, c] + offset [c]. */
function writeColour(
  { matrix, brightness }: ColourChange,
  channels: number,
  into: Float32Array,
  offset: Float32Array,
): void {
  if (channels === 1) {
    // Grey has no hue, and saturation leaves it as it is: what is left is the contrast, the sum of any column.
    into[0] = matrix.reduce((sum, row) => sum + (row[0] ?? 0), 0);
    offset[0] = brightness;
    return;
  }
  for (let from = 0; from < 3; from++)
    for (let to = 0; to < 3; to++) into[from * channels + to] = matrix[from]?.[to] ?? 0;
  if (channels === 3) {
    offset.fill(brightness, 0, 3);
    return;
  }
  // Premultiplied: with q = x + 1 and alpha q₄ / 2, straight v = 2q / q₄ − 1, so v·M + b becomes q·M + q₄ · (1 − Σ M + b) / 2.
  // Every column of M sums to the contrast.
  const contrast = matrix.reduce((sum, row) => sum + (row[0] ?? 0), 0);
  const ofAlpha = (1 - contrast + brightness) / 2;
  for (let to = 0; to < 3; to++) {
    into[3 * 4 + to] = ofAlpha;
    into[to * 4 + 3] = 0;
    offset[to] = contrast + ofAlpha - 1;
  }
  into[15] = 1;
  offset[3] = 0;
}
