// MurmurHash3 x86_32 (Austin Appleby, public domain): turns a seed that is text into an unsigned 32-bit integer.

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The hash of the bytes as an unsigned 32-bit integer. */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = bytes.length & 3;
  const body = bytes.length - tail;
  let hash = seed | 0;
  for (let i = 0; i < body; i += 4) {
    hash ^= Math.imul(rotateLeft(Math.imul(view.getUint32(i, true), C1), 15), C2);
    hash = (Math.imul(rotateLeft(hash, 13), 5) + 0xe6546b64) | 0;
  }
  if (tail > 0) {
    let word = 0;
    for (let i = 0; i < tail; i++) word |= view.getUint8(body + i) << (8 * i);
    hash ^= Math.imul(rotateLeft(Math.imul(word, C1), 15), C2);
  }
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
