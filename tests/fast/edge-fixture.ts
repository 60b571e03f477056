// Small bundles for the edge's tests: `tiny-colour` (RGB 8x6, three classes), `tiny-plain` (grey 4x4, no classes) and
// `tiny-clear` (RGBA 9x7, two classes), with weights from our own streams.
import type { Manifest } from '../../contract/manifest.ts';
import { randomNormals } from '../../contract/random.ts';
import { writeDense } from '../dense-bundle.ts';

export interface Tiny {
  name: string;
  image: { width: number; height: number; channels: number };
  latent: number;
  classes: string[];
  /** Whether it has a way back, from pictures to latents. */
  encoder?: boolean;
}

export const COLOUR: Tiny = {
  name: 'tiny-colour',
  image: { width: 8, height: 6, channels: 3 },
  latent: 5,
  classes: ['T-shirt/top', 'Ankle boot', 'Bag'],
};
export const PLAIN: Tiny = { name: 'tiny-plain', image: { width: 4, height: 4, channels: 1 }, latent: 3, classes: [] };
export const CLEAR: Tiny = {
  name: 'tiny-clear',
  image: { width: 9, height: 7, channels: 4 },
  latent: 4,
  classes: ['Ghost', 'Bag'],
};

/** Two with an encoder: RGB with classes, RGBA without. */
export const SEEN: Tiny = { ...COLOUR, name: 'tiny-seen', encoder: true };
export const SEEN_CLEAR: Tiny = {
  name: 'tiny-seen-clear',
  image: { width: 9, height: 7, channels: 4 },
  latent: 4,
  classes: [],
  encoder: true,
};

/** Writes the bundle into `models`/name and returns its manifest. */
export async function writeTiny(models: string, tiny: Tiny): Promise<Manifest> {
  const { name, image, latent, classes } = tiny;
  const pixels = image.width * image.height * image.channels;
  const weights = randomNormals(7, 99, 0, (latent + classes.length) * pixels);
  const encoder = tiny.encoder ? randomNormals(7, 98, 0, (pixels + classes.length) * latent) : undefined;
  const title = `Tiny ${name}`;
  return (
    await writeDense(models, { ...tiny, title, weights, encoder: encoder?.map((x) => x / 8), defaultTruncation: 0.9 })
  ).manifest;
}
