// A picture file as a model takes it. What the server takes is decoded as by the server, so that both make the same latent of the
// same file; every other format and size is decoded by sharp, as the pictures of a training are.
import { readFile } from 'node:fs/promises';
import { checkMaskSize, hiddenOf } from '../contract/completer.ts';
import { UserError } from '../contract/errors.ts';
import { type Fit, fitOf, intake, uprightSize } from '../contract/intake.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Picture, Size } from '../contract/picture.ts';
import { pictureOf } from '../contract/pixels.ts';
import { createPictureDecoder } from '../edge/pictures/decode.ts';
import { webpModule } from '../edge/pictures/webp-file.ts';
import { Unreadable } from '../train/data/tree.ts';

/** `background`: what transparent places lie on, for a model of opaque pictures. Throws UserError. */
export async function readPicture(path: string, manifest: Manifest, background?: string): Promise<Picture> {
  return (await readSized(path, manifest.image, fitOf(manifest, background))).picture;
}

/**
 * A picture, and what of it is drawn anew: places of the model's picture, 1 where the mask is light, which has the picture's size.
 * Transparent places of a mask count as dark. Throws UserError.
 */
export async function readMasked(
  path: string,
  maskPath: string,
  manifest: Manifest,
  background?: string,
): Promise<{ picture: Picture; hidden: Uint8Array }> {
  const fit = fitOf(manifest, background);
  const given = await readSized(path, manifest.image, fit);
  const mask = await readSized(maskPath, { ...manifest.image, channels: 1 }, { ...fit, background: [0, 0, 0] });
  checkMaskSize(given.size, mask.size);
  return { picture: given.picture, hidden: hiddenOf(mask.picture) };
}

/** With the size that the file has, upright. */
async function readSized(path: string, image: Manifest['image'], fit: Fit): Promise<{ picture: Picture; size: Size }> {
  const bytes = await readFile(path).catch(() => {
    throw new UserError(`${path}: expected a picture file that can be read, got none`);
  });
  const asServed = await createPictureDecoder(await webpModule())
    .decode(new Uint8Array(bytes))
    .catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
    });
  if (asServed !== undefined) {
    const { picture, orientation } = asServed;
    return { picture: intake(picture, image, fit, orientation), size: uprightSize(picture, orientation) };
  }
  const { decodeAlone, uprightSizeOf } = await import('../train/data/decode.ts');
  const side = Math.max(image.width, image.height);
  const levels = await decodeAlone(bytes, side, fit.fit).catch((error: unknown) => {
    throw error instanceof Unreadable ? new UserError(`${path}: ${error.message}`) : error;
  });
  const whole = pictureOf(levels, { width: side, height: side, channels: 4 });
  return { picture: intake(whole, image, fit), size: await uprightSizeOf(bytes) };
}
