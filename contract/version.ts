// The version of a bundle: what an address that is kept for ever names, as `fashion-gan@4f1c0a9be2d7`. It is made of
// all that decides a picture and of nothing else: a new title, licence, metric or golden is the same version.
import * as z from 'zod/mini';
import { sha256Hex } from './bundle.ts';
import type { Manifest } from './manifest.ts';

/** Of a bundle: the first 12 hexadecimal digits of a SHA-256. */
export const versionSchema = z.string().check(z.regex(/^[0-9a-f]{12}$/, 'expected 12 lower-case hexadecimal digits'));

/** The fields of a manifest that the version is made of. */
export type Versioned = Pick<
  Manifest,
  'latent' | 'classes' | 'image' | 'defaultTruncation' | 'defaultVariant' | 'files'
>;

/**
 * SHA-256 of canonical JSON (RFC 8785: keys sorted, no spaces, numbers as JavaScript writes them) of what decides the
 * pictures of a bundle, its first 12 digits: 48 bits, so that two of a thousand versions of one name are alike once in
 * 500 million times. Encoders, discriminators, kinds of storage by their size and everything for people stay out of it.
 */
export async function bundleVersion(manifest: Versioned): Promise<string> {
  const { latent, classes, image, defaultTruncation, defaultVariant, files } = manifest;
  const networks = files.filter(({ role }) => role === 'generator').map(({ variant, sha256 }) => [variant, sha256]);
  const decisive = {
    classes,
    defaultTruncation,
    defaultVariant,
    generators: Object.fromEntries(networks.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))),
    image: { channels: image.channels, height: image.height, width: image.width },
    latent: { distribution: latent.distribution, generator: latent.generator, size: latent.size },
  };
  return (await sha256Hex(new TextEncoder().encode(JSON.stringify(decisive)))).slice(0, 12);
}

/** `fashion-gan@4f1c0a9be2d7`: how an address names a version of a model. */
export const versionedName = (name: string, version: string): string => `${name}@${version}`;

/** The parts of `fashion-gan@4f1c0a9be2d7`, or of a name alone. Whether there is such a model is another question. */
export function splitVersion(text: string): { name: string; version: string | undefined } {
  const at = text.indexOf('@');
  return at < 0 ? { name: text, version: undefined } : { name: text.slice(0, at), version: text.slice(at + 1) };
}
