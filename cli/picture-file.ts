// A picture file as a model takes it. What the server takes is decoded as by the server, so that both make the same latent of the
// same file; every other format and size is decoded by sharp, as the pictures of a training are.
import { readFile } from 'node:fs/promises';
import { hiddenOf } from '../contract/completer.ts';
import { UserError } from '../contract/errors.ts';
import { type Fit, fitOf, intake } from '../contract/intake.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { pictureOf } from '../contract/pixels.ts';
import { createPictureDecoder, type Decoded } from '../edge/pictures/decode.ts';
import { webpModule } from '../edge/pictures/webp-file.ts';
import { Unreadable } from '../train/data/tree.ts';

/** `background`: what transparent places lie on, for a model of opaque pictures. Throws UserError. */
export async function readPicture(path: string, manifest: Manifest, background?: string): Promise<Picture> {
  const bytes = await readFile(path).catch(() => {
    throw new UserError(`${path}: expected a picture file that can be read, got none`);
  });
  const fit = fitOf(manifest, background);
  const { picture, orientation } = await decoded(path, new Uint8Array(bytes), manifest.image, fit.fit);
  return intake(picture, manifest.image, fit, orientation);
}

/**
 * A mask file as places of the model's picture, 1 where it is light: cropped and resized as a picture of its size is. Transparent
 * places count as dark. Throws UserError.
 */
export async function readMask(path: string, manifest: Manifest): Promise<Uint8Array> {
  const bytes = await readFile(path).catch(() => {
    throw new UserError(`${path}: expected a picture file that can be read, got none`);
  });
  const { fit } = fitOf(manifest);
  const { picture, orientation } = await decoded(path, new Uint8Array(bytes), manifest.image, fit);
  const image = { ...manifest.image, channels: 1 } as const;
  return hiddenOf(intake(picture, image, { fit, background: [0, 0, 0] }, orientation));
}

async function decoded(
  path: string,
  bytes: Uint8Array,
  { width, height }: Manifest['image'],
  fit: Fit['fit'],
): Promise<Decoded> {
  try {
    return await createPictureDecoder(await webpModule()).decode(bytes);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  const { decodeAlone } = await import('../train/data/decode.ts');
  const size = Math.max(width, height);
  const levels = await decodeAlone(Buffer.from(bytes), size, fit).catch((error: unknown) => {
    throw error instanceof Unreadable ? new UserError(`${path}: ${error.message}`) : error;
  });
  return { picture: pictureOf(levels, { width: size, height: size, channels: 4 }), orientation: 1 };
}
