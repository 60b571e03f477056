// The way back: pictures become latents. ONNX Runtime is passed in, as to the generator.

import { sha256Hex } from './bundle.ts';
import { UserError } from './errors.ts';
import { classInput, inTurn, type SessionLike, type TensorConstructor, type TensorLike } from './generator.ts';
import { oneHot } from './latent.ts';
import type { EncoderEntry, Manifest, Variant } from './manifest.ts';
import type { Picture } from './picture.ts';
import { toPlanes } from './pixels.ts';

export interface Encoder {
  /**
   * Latents [latent size] of pictures of the model's size and channels (RGBA straight); class weights [classes] say what each is to be
   * drawn as (none if unconditional). Drawing with the same weights gives the picture again, as nearly as the model can.
   */
  encode(pictures: readonly Picture[], classWeights: readonly Float32Array[]): Promise<Float32Array[]>;
}

/** @throws UserError for a model without an encoder */
export function createEncoder(
  manifest: Pick<Manifest, 'name' | 'encoder' | 'image' | 'classes' | 'latent'>,
  session: SessionLike,
  Tensor: TensorConstructor,
): Encoder {
  const { inputs, output } = descriptionOf(manifest);
  const { image, classes, latent } = manifest;
  return {
    async encode(pictures, classWeights) {
      const batch = pictures.length;
      if (batch === 0) return [];
      const tensors: Record<string, TensorLike> = {
        [inputs.image.name]: new Tensor('float32', toPlanes(pictures, image), [
          batch,
          image.channels,
          image.height,
          image.width,
        ]),
        ...classInput(inputs.classWeights?.name, classWeights, [batch, classes.length], Tensor),
      };
      const results = await inTurn(() => session.run(tensors as Record<string, never>));
      const result = results[output.name];
      const data = await result?.getData();
      if (!(data instanceof Float32Array) || data.length !== batch * latent.size)
        throw new RangeError(`${output.name}: expected ${batch * latent.size} float32 numbers`);
      const latents = pictures.map((_, n) => data.slice(n * latent.size, (n + 1) * latent.size));
      for (const tensor of [...Object.values(tensors), ...(result ? [result] : [])]) tensor.dispose();
      return latents;
    },
  };
}

function descriptionOf({ name, encoder }: Pick<Manifest, 'name' | 'encoder'>): EncoderEntry {
  if (!encoder) throw new UserError(`${name}: expected a model with an encoder, got one without`);
  return encoder;
}

/** The bytes that an encoder's golden is the hash of: float32, little-endian, whatever this machine's order is. */
export function latentBytes(latent: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * latent.length));
  latent.forEach((value, i) => {
    view.setFloat32(4 * i, value, true);
  });
  return new Uint8Array(view.buffer);
}

/** Pictures and class weights of the goldens that an encoder is checked with. */
export function encoderInputs(manifest: Manifest, indices: readonly number[]): [Picture[], Float32Array[]] {
  const goldens = indices.map((i) => {
    const golden = manifest.goldens[i];
    if (!golden) throw new UserError(`${manifest.name}: expected golden ${i}, got none; export it again`);
    return golden;
  });
  const { classes, image } = manifest;
  return [
    goldens.map(({ pixels }) => ({ ...image, data: Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0)) })),
    classes.length > 0 ? goldens.map((golden) => oneHot(golden.class ?? 0, classes.length)) : [],
  ];
}

/**
 * Encodes the picture of every encoder golden of `variant` and compares. `most` 0 asks for the same bytes (wasm). Returns the largest
 * difference of a number of a latent; throws UserError above `most`.
 */
export async function checkEncoderGoldens(
  manifest: Manifest,
  variant: Variant,
  encoder: Encoder,
  most: number,
): Promise<number> {
  const goldens = descriptionOf(manifest).goldens.filter((golden) => golden.variant === variant);
  if (goldens.length === 0)
    throw new UserError(`${manifest.name}: expected a golden of its ${variant} encoder, got none; export it again`);
  const latents = await encoder.encode(
    ...encoderInputs(
      manifest,
      goldens.map(({ golden }) => golden),
    ),
  );
  let largest = 0;
  for (const [i, golden] of goldens.entries()) {
    const got = latents[i] ?? new Float32Array();
    const bytes = Uint8Array.from(atob(golden.latent), (c) => c.charCodeAt(0));
    const expected = new DataView(bytes.buffer);
    got.forEach((value, k) => {
      largest = Math.max(largest, Math.abs(value - expected.getFloat32(4 * k, true)));
    });
    const same = (await sha256Hex(latentBytes(got))) === golden.sha256;
    if (most === 0 ? !same : !(largest <= most))
      throw new UserError(
        `${manifest.name}: expected the latent of golden ${golden.golden} of its ${variant} encoder${most === 0 ? ' byte for byte' : ` within ${most}`}, ` +
          `got one that differs by ${largest}; export it again or use another provider`,
      );
  }
  return largest;
}
