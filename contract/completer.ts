// Completion: a part of a picture is kept and the rest is drawn, in another way for every latent. ONNX Runtime is passed in, as to
// the generator.
import { goldenPixels, levelsOff } from './bundle.ts';
import { UserError } from './errors.ts';
import { classInput, inTurn, joined, type SessionLike, type TensorConstructor, type TensorLike } from './generator.ts';
import { latentOf, oneHot, truncate } from './latent.ts';
import type { CompleterEntry, CompleterGolden, Manifest, Variant } from './manifest.ts';
import type { Picture, Size } from './picture.ts';
import { toPictures, toPlanes } from './pixels.ts';

export interface Completion {
  /** Of the model's size and channels (RGBA straight). */
  picture: Picture;
  /** [height × width]: 1 where it is drawn anew, 0 where it stays as it is, to the last bit. */
  hidden: Uint8Array;
  /** [latent size]. */
  latent: Float32Array;
  /** [classes]; none if unconditional. All zeros: of no class in particular. */
  classWeights: Float32Array;
}

export interface Completer {
  /** One ONNX batch. A picture does not depend on the others in it. */
  complete(completions: readonly Completion[]): Promise<Picture[]>;
}

/** @throws UserError for a model without a completer */
export function createCompleter(
  manifest: Pick<Manifest, 'name' | 'completer' | 'image' | 'classes' | 'latent'>,
  session: SessionLike,
  Tensor: TensorConstructor,
): Completer {
  const { inputs, output } = descriptionOf(manifest);
  const { image, classes, latent } = manifest;
  const { width, height, channels } = image;
  return {
    async complete(completions) {
      const batch = completions.length;
      if (batch === 0) return [];
      const seen = new Float32Array(batch * width * height);
      for (const [n, { hidden }] of completions.entries()) {
        if (hidden.length !== width * height)
          throw new RangeError(`mask: expected ${width * height} places, got ${hidden.length}`);
        hidden.forEach((value, i) => {
          seen[n * width * height + i] = value === 0 ? 1 : 0;
        });
      }
      const pictures = completions.map(({ picture }) => picture);
      const latents = joined(
        'latent',
        completions.map((one) => one.latent),
        latent.size,
      );
      const tensors: Record<string, TensorLike> = {
        [inputs.image.name]: new Tensor('float32', toPlanes(pictures, image), [batch, channels, height, width]),
        [inputs.mask.name]: new Tensor('float32', seen, [batch, 1, height, width]),
        [inputs.latent.name]: new Tensor('float32', latents, [batch, latent.size]),
        ...classInput(
          inputs.classWeights?.name,
          completions.map((one) => one.classWeights),
          [batch, classes.length],
          Tensor,
        ),
      };
      const results = await inTurn(() => session.run(tensors as Record<string, never>));
      const result = results[output.name];
      const data = await result?.getData();
      if (!(data instanceof Float32Array)) throw new TypeError(`${output.name}: expected float32 numbers`);
      const made = toPictures(data, batch, image);
      for (const tensor of [...Object.values(tensors), ...(result ? [result] : [])]) tensor.dispose();
      return made.map((picture, n) => keep(picture, completions[n]));
    },
  };
}

/** What is seen as it was given: straight colours of RGBA do not come back from premultiplied ones. */
function keep(made: Picture, given: Completion | undefined): Picture {
  const { channels } = made;
  given?.hidden.forEach((hidden, i) => {
    if (hidden === 0) made.data.set(given.picture.data.subarray(i * channels, (i + 1) * channels), i * channels);
  });
  return made;
}

function descriptionOf({ name, completer }: Pick<Manifest, 'name' | 'completer'>): CompleterEntry {
  if (!completer) throw new UserError(`${name}: expected a model that completes pictures, got one that only draws`);
  return completer;
}

/** Throws UserError for a mask of another size than its picture, both upright: it would be cropped around another centre. */
export function checkMaskSize(picture: Size, mask: Size): void {
  if (mask.width !== picture.width || mask.height !== picture.height)
    throw new UserError(
      `mask: expected ${picture.width}x${picture.height}, as the picture has, got ${mask.width}x${mask.height}`,
    );
}

/** A grey picture of the model's size as places: 128 and lighter is drawn anew. */
export const hiddenOf = (mask: Picture): Uint8Array => mask.data.map((level) => (level >= 128 ? 1 : 0));

/** What a golden of the completer is of: the picture of one of the generator's, whose lower half is drawn by another seed. */
export function completionOf(
  manifest: Manifest,
  { golden, seed }: Pick<CompleterGolden, 'golden' | 'seed'>,
): Completion {
  const { image, classes, latent } = manifest;
  const of = manifest.goldens[golden];
  if (!of) throw new UserError(`${manifest.name}: expected golden ${golden}, got none; export it again`);
  return {
    picture: { ...image, data: goldenPixels(of) },
    hidden: Uint8Array.from({ length: image.width * image.height }, (_, i) =>
      Math.floor(i / image.width) >= image.height / 2 ? 1 : 0,
    ),
    latent: truncate(latentOf(seed, latent.size), of.truncation),
    classWeights: oneHot(of.class ?? 0, classes.length),
  };
}

/** As `checkGoldens`, of the completer: returns the largest difference seen, throws UserError above `maxLevels`. */
export async function checkCompleterGoldens(
  manifest: Manifest,
  variant: Variant,
  completer: Completer,
  maxLevels: number,
): Promise<number> {
  const goldens = descriptionOf(manifest).goldens.filter((golden) => golden.variant === variant);
  if (goldens.length === 0)
    throw new UserError(`${manifest.name}: expected a golden of its ${variant} completer, got none; export it again`);
  const pictures = await completer.complete(goldens.map((golden) => completionOf(manifest, golden)));
  const named = goldens.map((golden) => ({
    ...golden,
    name: `${manifest.name} ${variant}: golden ${golden.golden} completed by seed ${golden.seed}`,
  }));
  return levelsOff(named, pictures, manifest.image.channels, maxLevels);
}
