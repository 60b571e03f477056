// Power spectra of pictures, generated beside real: generators that upsample leave patterns of sub-pixels that features
// hardly see (Durall et al. 2020, arXiv:2003.01826). Pure: runs anywhere.
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
  /** Pixels of the side, even. */
  size: number;
  /**
   * [size, size], row v, column u: mean over pictures and channels of |DFT|² / size², in levels² of 255. White noise of
   * variance σ² has σ² everywhere. Frequency 0 is 0: each picture's channels are taken without their mean.
   */
  power: Float64Array;
}

/** Power of generated over real pictures, in dB: 0 is alike, +3 twice as much. */
export interface SpectralGap {
  /** At (N/2, N/2), the checkerboard: every pixel differs from its four neighbours. */
  nyquist: number;
  /** At (N/2, 0): columns alternate. */
  horizontal: number;
  /** At (0, N/2): rows alternate. */
  vertical: number;
  /** Of all power where |u| or |v| is at least two thirds of N/2. */
  upperThird: number;
}

/** Four-channel pictures are to be premultiplied by alpha, as the network draws them. Throws UserError on none or an odd side. */
export function spectrum(pictures: Uint8Array, { count, width, height, channels }: PictureShape): Spectrum {
  const size = width;
  if (count < 1 || height !== width || width % 2 !== 0 || pictures.length !== count * width * height * channels)
    throw new UserError(
      `spectrum: expected square pictures of an even side, got ${count} of ${width}x${height}x${channels} in ${pictures.length} bytes`,
    );
  const area = size * size;
  const planes = count * channels;
  const transform = plane(size);
  const [re, im] = [new Float64Array(area), new Float64Array(area)];
  const sums = new Float64Array(area);
  const fill = (out: Float64Array, index: number): void => {
    const start = Math.floor(index / channels) * area * channels + (index % channels);
    let mean = 0;
    for (let i = 0; i < area; i++) mean += (pictures[start + i * channels] ?? 0) / area;
    for (let i = 0; i < area; i++) out[i] = (pictures[start + i * channels] ?? 0) - mean;
  };
  // Two real planes as one complex one: |Z(k)|² + |Z(−k)|² is twice the sum of their powers.
  for (let index = 0; index < planes; index += 2) {
    fill(re, index);
    if (index + 1 < planes) fill(im, index + 1);
    else im.fill(0);
    transform({ re, im });
    for (let i = 0; i < area; i++) sums[i] = (sums[i] ?? 0) + (re[i] ?? 0) ** 2 + (im[i] ?? 0) ** 2;
  }
  const power = sums.map((sum, i) => {
    const opposite = (size - Math.floor(i / size)) % size;
    return (sum + (sums[opposite * size + ((size - (i % size)) % size)] ?? 0)) / (2 * planes * area);
  });
  power[0] = 0;
  return { size, power };
}

/** Power of the rounding to 8 bits, in levels². Less of it cannot be told from none, which pixel art enlarged twice has. */
const ROUNDING = 1 / 12;

/** Throws UserError when the sides differ. */
export function spectralGap(generated: Spectrum, real: Spectrum): SpectralGap {
  const { size } = real;
  if (generated.size !== size)
    throw new UserError(`spectrum: expected generated pictures of ${size} pixels, got ${generated.size}`);
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
