// A set of pictures as one file, which a run takes along where there is no folder to read them from again: safetensors of bytes,
// `pixels` [count, height, width, channels] and `labels` [count]; what else a set says is in its metadata.
import { z } from 'zod';
import { UserError } from '../../contract/errors.ts';
import { pictureSet } from './picture-set.ts';
import { type PictureSet, pictureOptionsSchema } from './types.ts';

export const PICTURES = 'pictures.safetensors';
/** Those that quality is measured by, where there were enough to hold some out. */
export const HELD_OUT = 'held-out.safetensors';
const FORMAT = 'pocketgen-pictures-1';

const factsSchema = z.strictObject({
  name: z.string(),
  classes: z.array(z.string()),
  note: z.string(),
  sha256: z.string(),
  options: pictureOptionsSchema.optional(),
});

const tensor = z.object({ shape: z.array(z.int().nonnegative()), data_offsets: z.tuple([z.int(), z.int()]) });
const headerSchema = z.object({
  __metadata__: z.object({ format: z.literal(FORMAT), facts: z.string() }),
  pixels: tensor,
  labels: tensor,
});

export function packPictures(set: PictureSet): Uint8Array<ArrayBuffer> {
  const { pixels, labels, count, height, width, channels, name, classes, note, sha256, options } = set;
  const facts = { name, classes, note, sha256, ...(options && { options }) };
  const json = JSON.stringify({
    __metadata__: { format: FORMAT, facts: JSON.stringify(facts) },
    pixels: { dtype: 'U8', shape: [count, height, width, channels], data_offsets: [0, pixels.length] },
    labels: { dtype: 'U8', shape: [count], data_offsets: [pixels.length, pixels.length + count] },
  });
  const header = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + header.length + pixels.length + count);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(pixels, 8 + header.length);
  bytes.set(labels, 8 + header.length + pixels.length);
  return bytes;
}

/** @throws UserError for another file, and one that was cut or altered */
export function unpackPictures(bytes: Uint8Array): PictureSet {
  try {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
    const header = headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
    const { sha256, options, ...facts } = factsSchema.parse(JSON.parse(header.__metadata__.facts));
    const [, height = 0, width = 0, channels = 0] = header.pixels.shape;
    const part = ([from, to]: readonly [number, number]) => bytes.slice(8 + length + from, 8 + length + to);
    const set = pictureSet({
      ...facts,
      ...(options && { options }),
      ...{ width, height, channels },
      pixels: part(header.pixels.data_offsets),
      labels: part(header.labels.data_offsets),
    });
    if (set.sha256 !== sha256) throw new Error(`SHA-256 ${set.sha256} in place of ${sha256}`);
    return set;
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'a header of another kind' : (error as Error).message;
    throw new UserError(`${PICTURES}: expected a whole set of pictures, got ${reason}; export the run again`);
  }
}
