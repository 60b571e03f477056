// A picture's latent, for the commands that start from a picture.
import { type ClassMix, mixWeights } from '../contract/compact.ts';
import { UserError } from '../contract/errors.ts';
import { type LatentFile, latentFile } from '../contract/latent-file.ts';
import { classIndex, encoderFile } from '../contract/lookup.ts';
import type { Variant } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { bundleVersion } from '../contract/version.ts';
import { openEncoder, type Provider, readManifest } from '../export/open.ts';
import { variantOf } from './bundle-options.ts';
import { readPicture } from './picture-file.ts';

export interface EncodeFlags {
  class?: string;
  background?: string;
  dtype?: string;
  provider: Provider;
}

export interface Encoded {
  file: LatentFile;
  /** The picture as the model was given it. */
  picture: Picture;
  variant: Variant | undefined;
}

/** Throws UserError for a bundle without an encoder, a picture that cannot be read, or a class that is none or missing. */
export async function encodeFile(dir: string, path: string, flags: EncodeFlags): Promise<Encoded> {
  const manifest = readManifest(dir);
  const variant = flags.dtype === undefined ? undefined : variantOf(flags.dtype);
  encoderFile(manifest, variant);
  const { classes } = manifest;
  if (flags.class === undefined && classes.length > 0)
    throw new UserError(`--class: expected what the picture is of, one of ${classes.join(', ')}, got none`);
  const mix: ClassMix = flags.class === undefined ? [] : [[classIndex(manifest, flags.class), 1]];
  const picture = await readPicture(path, manifest, flags.background);
  const { encoder, close } = await openEncoder(dir, manifest, {
    provider: flags.provider,
    ...(variant ? { variant } : {}),
  });
  try {
    const [latent = new Float32Array()] = await encoder.encode(
      [picture],
      classes.length > 0 ? [mixWeights(mix, manifest)] : [],
    );
    return { file: latentFile(manifest, await bundleVersion(manifest), latent, mix), picture, variant };
  } finally {
    await close();
  }
}
