// The IDX format of MNIST and its descendants (http://yann.lecun.com/exdb/mnist/): big-endian magic number, one 32-bit
// size per dimension, then bytes. Reads plain and gzipped files and names what is wrong with a bad one.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { UserError } from '../../contract/errors.ts';

/** Magic numbers: unsigned bytes (0x08) of three dimensions (pictures) or one (labels). */
export const idxMagic = { pictures: 0x0803, labels: 0x0801 } as const;
export type IdxKind = keyof typeof idxMagic;

export interface IdxData {
  /** [count, height, width] or [count]. */
  shape: number[];
  data: Uint8Array;
}

/** Reads one IDX file. `sha256` (hex) is that of the unpacked bytes, so it holds however the file was compressed. */
export async function readIdx(path: string, kind: IdxKind, sha256?: string): Promise<IdxData> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${path}: expected a readable file, got ${error.code ?? error.message}`);
  });
  return decodeIdx(path, bytes, kind, sha256);
}

export function decodeIdx(name: string, bytes: Uint8Array, kind: IdxKind, sha256?: string): IdxData {
  const fail = (expected: string, got: string): never => {
    throw new UserError(`${name}: expected ${expected}, got ${got}; delete the file and fetch it again`);
  };
  if (bytes.length === 0) fail(`an IDX file of ${kind}`, 'an empty file');
  const unpacked = gunzip(name, bytes);
  const head = new DataView(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
  const magic = idxMagic[kind];
  const dimensions = magic & 0xff;
  if (unpacked.length < 4 + 4 * dimensions) fail(`an IDX file of ${kind}`, `only ${unpacked.length} bytes`);
  const found = head.getUint32(0);
  if (found !== magic) {
    fail(`the magic number ${hex(magic)} of an IDX file of ${kind}`, hex(found));
  }
  const shape = Array.from({ length: dimensions }, (_, i) => head.getUint32(4 + 4 * i));
  const start = 4 + 4 * dimensions;
  const length = shape.reduce((product, size) => product * size, 1);
  if (unpacked.length !== start + length) {
    fail(`${start + length} bytes for ${shape.join('x')} ${kind}`, `${unpacked.length} bytes`);
  }
  if (sha256 !== undefined) {
    const actual = createHash('sha256').update(unpacked).digest('hex');
    if (actual !== sha256) fail(`SHA-256 ${sha256} when unpacked`, actual);
  }
  return { shape, data: unpacked.subarray(start) };
}

function gunzip(name: string, bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes; // RFC 1952: ID1, ID2
  try {
    return gunzipSync(bytes);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const got = code === 'Z_BUF_ERROR' ? `a truncated one of ${bytes.length} bytes` : `damaged data (${message})`;
    throw new UserError(`${name}: expected a whole gzip file, got ${got}; delete the file and fetch it again`);
  }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
