// A zip's files by their path: apart, so that only who opens a zip downloads the code for it.
import { unzipSync } from 'fflate';

/** Throws what fflate throws for bytes that are no zip. */
export function unzip(
  bytes: Uint8Array,
  wanted: (path: string, size: number) => boolean,
): [path: string, bytes: Uint8Array<ArrayBuffer>][] {
  // A small zip can claim gigabytes: only what is wanted is unpacked.
  const content = unzipSync(bytes, { filter: ({ name, originalSize }) => wanted(name, originalSize) });
  return Object.entries(content).map(([path, data]) => [path, new Uint8Array(data)]);
}
