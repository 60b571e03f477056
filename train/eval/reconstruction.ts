// How near a model draws held-out pictures again: by pixels, by structure, by the judge, and what a latent carries.
import { ssim } from 'ssim.js';
import type { PictureSet } from '../data/types.ts';

export interface Reconstruction {
  /** Held-out pictures drawn again. */
  pictures: number;
  /** Mean absolute error of a pixel, as a share of its range. */
  l1: number;
  /** Peak signal to noise ratio in dB, mean over pictures. */
  psnr: number;
  /** Structural similarity (Wang et al. 2004), mean over pictures; colours as their grey, transparent ones on white. */
  ssim: number;
  /** Share that the judge puts into their picture's class, */
  classKept?: number;
  /** and share of the pictures themselves that it does. Both absent where there are no classes. */
  classOfPictures?: number;
  /** Bits that the latent of a picture carries, mean over pictures; absent where a latent is a point. */
  rate?: number;
  /** Numbers of the latent whose mean varies by more than 0.01 from picture to picture (Burda et al. 2016); likewise. */
  activeUnits?: number;
  /** Bits that a model of tokens takes to tell a picture's, mean over pictures, and how many different tokens all pictures have. */
  bits?: number;
  codes?: number;
}

/** Held-out pictures that are drawn again: enough for half a percent of classes. */
export const mostReconstructed = 5000;

/** A picture without any error would have endless dB. */
const HIGHEST_PSNR = 99;
const ACTIVE = 0.01;

type Kind = Pick<PictureSet, 'width' | 'height' | 'channels'>;

/** RGBA as ssim.js takes it, opaque. Levels are premultiplied: laying them on white adds what alpha leaves. */
function opaque(levels: Uint8Array, { width, height, channels }: Kind) {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    const white = channels === 4 ? 255 - (levels[4 * i + 3] ?? 0) : 0;
    for (let c = 0; c < 3; c++) data[4 * i + c] = (levels[i * channels + (channels === 1 ? 0 : c)] ?? 0) + white;
  }
  return { width, height, data };
}

/** @param again [count, h, w, c], 0..255, premultiplied, as the set has them */
export function pictureErrors(
  set: Kind & Pick<PictureSet, 'count' | 'pixels'>,
  again: Uint8Array,
): Pick<Reconstruction, 'pictures' | 'l1' | 'psnr' | 'ssim'> {
  const { count, pixels, width, height, channels } = set;
  const size = width * height * channels;
  let [absolute, decibels, similarity] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [x, y] = [pixels, again].map((all) => all.subarray(i * size, (i + 1) * size)) as [Uint8Array, Uint8Array];
    let squares = 0;
    for (let k = 0; k < size; k++) {
      const difference = Math.abs((x[k] ?? 0) - (y[k] ?? 0));
      absolute += difference;
      squares += difference ** 2;
    }
    decibels += Math.min(HIGHEST_PSNR, 10 * Math.log10((255 ** 2 * size) / squares));
    similarity += ssim(opaque(x, set), opaque(y, set), { ssim: 'fast', downsample: false }).mssim;
  }
  return {
    pictures: count,
    l1: absolute / (255 * pixels.length),
    psnr: decibels / count,
    ssim: similarity / count,
  };
}

/** Means and log variances [pictures, latent] of latents as an encoder gives them. */
export interface Posterior {
  readonly latent: number;
  readonly mean: Float32Array;
  readonly logVariance: Float32Array;
}

/** What the latents of these pictures carry, against the prior N(0, 1). */
export function posteriorNumbers({ latent, mean, logVariance }: Posterior): { rate: number; activeUnits: number } {
  const pictures = mean.length / latent;
  let nats = 0;
  mean.forEach((m, i) => {
    const v = logVariance[i] ?? 0;
    nats += (m * m + Math.exp(v) - v - 1) / 2;
  });
  const units = Array.from({ length: latent }, (_, k) => {
    const values = Array.from({ length: pictures }, (_, i) => mean[i * latent + k] ?? 0);
    const centre = values.reduce((sum, value) => sum + value, 0) / pictures;
    return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / pictures;
  });
  return {
    rate: nats / Math.LN2 / pictures,
    activeUnits: units.filter((variance) => variance > ACTIVE).length,
  };
}

/** The tokens of pictures [pictures, tokens], and the bits that each picture's take [pictures]. */
export interface Tokens {
  readonly codes: Float32Array;
  readonly bits: Float32Array;
}

export const tokenNumbers = ({ codes, bits }: Tokens): { bits: number; codes: number } => ({
  bits: bits.reduce((sum, some) => sum + some, 0) / bits.length,
  codes: new Set(codes).size,
});
