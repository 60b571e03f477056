// The inputs of each step as a pure function of (recipe, pictures, images seen): nothing random has a state, so a run
// continues exactly from a number.
import { randomNormals, randomWords } from '../../contract/random.ts';
import type { Phase } from '../families/family.ts';
import { createAugmenter } from '../nn/augmentation.ts';
import { stream } from '../nn/streams.ts';
import type { Values } from '../nn/tensors.ts';
import { type Recipe, scheduled } from '../recipe.ts';
import type { PictureSet } from './types.ts';

const TWO_32 = 4294967296;

/** A permutation of the pictures for one epoch (Fisher–Yates). */
function epochOrder(seed: number, epoch: number, count: number): Uint32Array {
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

/** Returns the inputs for the phase's step that starts after `imagesSeen` pictures; their buffers are used again at the next call. */
export function createBatches(
  recipe: Recipe,
  pictures: PictureSet,
): (imagesSeen: number, phase: Pick<Phase, 'draws' | 'augments'>) => Values {
  const { batch, network, seed } = recipe;
  const { width, height, channels, count } = pictures;
  const size = width * height * channels;
  let known: { epoch: number; order: Uint32Array } = { epoch: -1, order: new Uint32Array() };
  const levels = Float32Array.from({ length: 256 }, (_, level) => level / 127.5 - 1);
  const real = new Float32Array(batch * size);
  const classes = new Float32Array(batch * network.classes);
  const drawn: Values = {};
  const { kinds, probability } = recipe.augment;
  const augmentation =
    kinds.length > 0
      ? createAugmenter({ kinds, size: width, channels }, 2 * batch, seed, {
          words: stream('augment'),
          normals: stream('augmentNormals'),
        })
      : undefined;

  const pictureAt = (position: number): number => {
    const epoch = Math.floor(position / count);
    if (known.epoch !== epoch) known = { epoch, order: epochOrder(seed, epoch, count) };
    return known.order[position % count] ?? 0;
  };
  const copy = (picture: number, i: number, mirrored: boolean): void => {
    const from = pictures.pixels.subarray(picture * size, (picture + 1) * size);
    const to = real.subarray(i * size, (i + 1) * size);
    if (!mirrored) {
      for (let p = 0; p < size; p++) to[p] = levels[from[p] ?? 0] ?? 0;
      return;
    }
    for (let row = 0; row < size; row += width * channels)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++)
          to[row + x * channels + c] = levels[from[row + (width - 1 - x) * channels + c] ?? 0] ?? 0;
  };
  /** Every picture that is ever shown has numbers of its own, whatever the batch. */
  const draw = (imagesSeen: number, draws: Phase['draws']): Values =>
    Object.fromEntries(
      Object.entries(draws).map(([name, { kind, count: each, stream: from }]) => {
        const known = drawn[name];
        const values = known?.length === batch * each ? known : new Float32Array(batch * each);
        drawn[name] = values;
        for (let i = 0; i < batch; i++) {
          const numbers =
            kind === 'normal'
              ? randomNormals(seed, stream(from), imagesSeen + i, each)
              : Float32Array.from(randomWords(seed, stream(from), imagesSeen + i, each), (word) => word / TWO_32);
          values.set(numbers, i * each);
        }
        return [name, values];
      }),
    );

  return (imagesSeen, { draws, augments }) => {
    classes.fill(0);
    for (let i = 0; i < batch; i++) {
      const position = imagesSeen + i;
      const picture = pictureAt(position);
      copy(picture, i, recipe.mirror && ((randomWords(seed, stream('mirror'), position, 1)[0] ?? 0) & 1) === 1);
      if (network.classes > 0) classes[i * network.classes + (pictures.labels[picture] ?? 0)] = 1;
    }
    return {
      real,
      ...(network.classes > 0 ? { classes } : {}),
      ...draw(imagesSeen, draws),
      ...(augments &&
        augmentation?.(
          // The real half of the batch, then the generated one.
          Array.from({ length: 2 * batch }, (_, i) => 2 * (imagesSeen + (i % batch)) + (i < batch ? 0 : 1)),
          scheduled(probability, imagesSeen / recipe.images),
        )),
    };
  };
}
