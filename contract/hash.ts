// SHA-256 in parts, without waiting: Node's own where there is one, which is several times as fast, else code that runs anywhere.
import { sha256 } from '@noble/hashes/sha2.js';

export interface Sha256 {
  update(bytes: Uint8Array): Sha256;
  /** Ends it. */
  hex(): string;
}

interface NodeHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** Taken from the process, so that no bundler looks for it in a page. */
function nodeHash(): NodeHash | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  const crypto = process?.getBuiltinModule?.('node:crypto') as { createHash(name: string): NodeHash } | undefined;
  return crypto?.createHash('sha256');
}

export function createSha256(): Sha256 {
  const hash: NodeHash = nodeHash() ?? sha256.create();
  const self: Sha256 = {
    update(bytes) {
      hash.update(bytes);
      return self;
    },
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
  return self;
}

/** Of text as UTF-8. */
export const sha256OfText = (text: string): string => createSha256().update(new TextEncoder().encode(text)).hex();
