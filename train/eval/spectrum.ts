// Power spectra of pictures, generated beside real: generators that upsample leave patterns of sub-pixels that features
// hardly see (Durall et al. 2020, arXiv:2003.01826). Of parts of pictures, windowed (Welch 1967, doi:10.1109/TAU.1967.1161901): of a
// whole picture, what is measured at the highest frequencies is mostly how its edges differ, and nothing at all where columns
// alternate if it is its own mirror image. Pure: runs anywhere.
import { UserError } from '../../contract/errors.ts';
import { fourier } from './fourier.ts';

/** Of a pixel array [count, height, width, channels]. */
export interface PictureShape {
  count: number;
  width: number;
  height: number;
  channels: number;
}

export interface Spectrum {
  /** Pixels of a part's side: half the pictures'. */
  size: number;
  /**
   * [size, size], row v, column u: mean over parts, pictures and channels of |DFT of the part times Hann's window|² / Σ window², in
   * levels² of 255. White noise of variance σ² has σ² everywhere but about frequency 0, as each part is taken without its mean.
   */
  power: Float64Array;
}

/** Power of generated over real pictures, in dB: 0 is alike, +3 twice as much. */
export interface SpectralGap {
  /** The checkerboard: every pixel differs from its four neighbours. */
  nyquist: number;
  /** Columns alternate. */
  horizontal: number;
  /** Rows alternate. */
  vertical: number;
  /** Of all power where one of the frequencies is at least two thirds of the highest. */
  upperThird: number;
}

/** Places of the parts on one side of a picture, in quarters of it: they overlap by half. */
const PARTS = [0, 1, 2];

/**
 * Four-channel pictures are to be premultiplied by alpha, as the network draws them.
 *
 * @throws UserError on no pictures, or a side that is no multiple of 4
 */
export function spectrum(pictures: Uint8Array, { count, width, height, channels }: PictureShape): Spectrum {
  if (count < 1 || height !== width || width % 4 !== 0 || pictures.length !== count * width * height * channels)
    throw new UserError(
      `spectrum: expected square pictures with a side of a multiple of 4, got ${count} of ${width}x${height}x${channels} in ${pictures.length} bytes`,
    );
  const size = width / 2;
  const area = size * size;
  const hann = Array.from({ length: size }, (_, i) => (1 - Math.cos((2 * Math.PI * (i + 0.5)) / size)) / 2);
  const window = Float64Array.from(
    { length: area },
    (_, i) => (hann[Math.floor(i / size)] ?? 0) * (hann[i % size] ?? 0),
  );
  const sum = (list: Float64Array): number => list.reduce((total, x) => total + x, 0);
  const weight = sum(window);
  const energy = sum(window.map((w) => w * w));
  const transform = plane(size);
  const [re, im] = [new Float64Array(area), new Float64Array(area)];
  const sums = new Float64Array(area);

  /** One channel of the part whose first byte that is, without its mean, windowed. */
  const fill = (out: Float64Array, start: number): void => {
    let mean = 0;
    for (let i = 0; i < area; i++) {
      const level = pictures[start + (Math.floor(i / size) * width + (i % size)) * channels] ?? 0;
      out[i] = level;
      mean += (level * (window[i] ?? 0)) / weight;
    }
    for (let i = 0; i < area; i++) out[i] = ((out[i] ?? 0) - mean) * (window[i] ?? 0);
  };
  const planes: number[] = [];
  for (let picture = 0; picture < count; picture++)
    for (const y of PARTS)
      for (const x of PARTS)
        for (let channel = 0; channel < channels; channel++)
          planes.push(((picture * width + (y * width) / 4) * width + (x * width) / 4) * channels + channel);
  // Two real planes as one complex one: |Z(k)|² + |Z(−k)|² is twice the sum of their powers.
  for (let index = 0; index < planes.length; index += 2) {
    fill(re, planes[index] ?? 0);
    const second = planes[index + 1];
    if (second === undefined) im.fill(0);
    else fill(im, second);
    transform({ re, im });
    for (let i = 0; i < area; i++) sums[i] = (sums[i] ?? 0) + (re[i] ?? 0) ** 2 + (im[i] ?? 0) ** 2;
  }
  const power = sums.map((total, i) => {
    const opposite = (size - Math.floor(i / size)) % size;
    return (total + (sums[opposite * size + ((size - (i % size)) % size)] ?? 0)) / (2 * planes.length * energy);
  });
  return { size, power };
}

/** Power of the rounding to 8 bits, in levels². Less of it cannot be told from none, which pixel art enlarged twice has. */
const ROUNDING = 1 / 12;

/** @throws UserError when the sides differ */
export function spectralGap(generated: Spectrum, real: Spectrum): SpectralGap {
  const { size } = real;
  if (generated.size !== size)
    throw new UserError(`spectrum: expected generated pictures of ${2 * size} pixels, got ${2 * generated.size}`);
  const half = size / 2;
  const decibels = (power: (of: Spectrum) => number): number => 10 * Math.log10(power(generated) / power(real));
  const heard = (power = 0) => Math.max(power, ROUNDING);
  const at = (u: number, v: number): number => decibels((of) => heard(of.power[v * size + u]));
  const fromZero = (k: number): number => Math.min(k, size - k);
  const upper = (_: number, i: number): boolean =>
    Math.max(fromZero(i % size), fromZero(Math.floor(i / size))) * 3 >= size;
  return {
    nyquist: at(half, half),
    horizontal: at(half, 0),
    vertical: at(0, half),
    upperThird: decibels((of) => of.power.filter(upper).reduce((sum, power) => sum + heard(power), 0)),
  };
}

/** The 2-D transform of [size, size], in place: along rows, then along columns. */
function plane(size: number): (values: { re: Float64Array; im: Float64Array }) => void {
  const line = fourier(size);
  const column = { re: new Float64Array(size), im: new Float64Array(size) };
  return ({ re, im }) => {
    for (let y = 0; y < size; y++) {
      line({ re: re.subarray(y * size, (y + 1) * size), im: im.subarray(y * size, (y + 1) * size) });
    }
    for (let x = 0; x < size; x++) {
      for (let y = 0; y < size; y++) {
        column.re[y] = re[y * size + x] ?? 0;
        column.im[y] = im[y * size + x] ?? 0;
      }
      line(column);
      for (let y = 0; y < size; y++) {
        re[y * size + x] = column.re[y] ?? 0;
        im[y * size + x] = column.im[y] ?? 0;
      }
    }
  };
}
