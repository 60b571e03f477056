// The inputs of each step as a pure function of (recipe, pictures, images seen): nothing random has a state, so a run
// continues exactly from a number.
import { randomNormals, randomWords, STREAM } from '../contract/random.ts';
import type { PictureSet } from './data/index.ts';
import type { Values } from './engines/engine.ts';
import type { Recipe } from './recipe.ts';

/** Streams of random numbers of a run, on top of STREAM.training; 0 and 1 initialise the networks. */
const STREAMS = { generator: 0, discriminator: 1, latent: 2, order: 3, mirror: 4, augment: 5 } as const;
export const INITIAL_STREAMS = { generator: STREAMS.generator, discriminator: STREAMS.discriminator } as const;

const TWO_32 = 4294967296;
const stream = (name: keyof typeof STREAMS): number => STREAM.training + STREAMS[name];

/** A permutation of the pictures for one epoch (Fisher–Yates). */
export function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const words = randomWords(seed, stream('order'), epoch, count);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(((words[i] ?? 0) * (i + 1)) / TWO_32);
    const kept = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = kept;
  }
  return order;
}

/** Returns the inputs for the step that starts after `imagesSeen` pictures. */
export function createBatches(recipe: Recipe, pictures: PictureSet): (imagesSeen: number) => Values {
  const { batch, network, seed } = recipe;
  const { width, height, channels, count } = pictures;
  const size = width * height * channels;
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array() };

  const pictureAt = (position: number): number => {
    const epoch = Math.floor(position / count);
    if (known.epoch !== epoch) known = { epoch, order: epochOrder(seed, epoch, count) };
    return known.order[position % count] ?? 0;
  };

  return (imagesSeen) => {
    const real = new Float32Array(batch * size);
    const latent = new Float32Array(batch * network.latent);
    const classes = new Float32Array(batch * network.classes);
    for (let i = 0; i < batch; i++) {
      const position = imagesSeen + i;
      const picture = pictureAt(position);
      const mirrored = recipe.mirror && ((randomWords(seed, stream('mirror'), position, 1)[0] ?? 0) & 1) === 1;
      for (let p = 0; p < size; p++) {
        const channel = p % channels;
        const column = Math.floor(p / channels) % width;
        const from = mirrored ? p - channel - column * channels + (width - 1 - column) * channels + channel : p;
        real[i * size + p] = (pictures.pixels[picture * size + from] ?? 0) / 127.5 - 1;
      }
      latent.set(randomNormals(seed, stream('latent'), position, network.latent), i * network.latent);
      if (network.classes > 0) classes[i * network.classes + (pictures.labels[picture] ?? 0)] = 1;
    }
    return {
      real,
      latent,
      ...(network.classes > 0 ? { classes } : {}),
      ...(recipe.augment ? augmentation(seed, imagesSeen, batch, network) : {}),
    };
  };
}

/**
 * DiffAugment's draws (Zhao et al. 2020) for the real and the generated half of a batch: brightness in [-0.5, 0.5],
 * saturation in [0, 2] where there is colour, contrast in [0.5, 1.5], translation by up to 1/8 of the side, a cutout of half the side.
 */
function augmentation(
  seed: number,
  imagesSeen: number,
  batch: number,
  { resolution: size, channels }: Recipe['network'],
): Values {
  const n = 2 * batch;
  const rows = new Float32Array(n * size * size);
  const columns = new Float32Array(n * size * size);
  const mask = new Float32Array(n * size * size).fill(1);
  const [brightness, saturation, contrast] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
  const reach = Math.round(size / 8);
  const half = size / 4;
  for (let i = 0; i < n; i++) {
    const position = 2 * (imagesSeen + (i % batch)) + (i < batch ? 0 : 1);
    const words = randomWords(seed, stream('augment'), position, 7);
    const uniform = (k: number): number => (words[k] ?? 0) / TWO_32;
    const whole = (k: number, low: number, high: number): number => low + Math.floor(uniform(k) * (high - low + 1));
    const [down, right] = [whole(0, -reach, reach), whole(1, -reach, reach)];
    const [top, left] = [whole(2, 0, size), whole(3, 0, size)];
    for (let y = 0; y < size; y++) {
      if (y - down >= 0 && y - down < size) rows[(i * size + y) * size + y - down] = 1;
      if (y - right >= 0 && y - right < size) columns[(i * size + y) * size + y - right] = 1;
      for (let x = 0; x < size; x++) {
        if (Math.abs(y + 0.5 - top) < half && Math.abs(x + 0.5 - left) < half) mask[(i * size + y) * size + x] = 0;
      }
    }
    contrast[i] = 0.5 + uniform(4);
    brightness[i] = uniform(5) - 0.5;
    saturation[i] = 2 * uniform(6);
  }
  return { brightness, ...(channels > 1 ? { saturation } : {}), contrast, rows, columns, mask };
}
