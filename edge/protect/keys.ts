// Optional bearer keys (secret API_KEYS, separated by commas or spaces), compared in constant time.

/** True if the Authorization header carries one of the keys. */
export type KeyCheck = (authorization: string | undefined) => Promise<boolean>;

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** undefined if there are no keys: then everyone may ask. */
export function createKeyCheck(secret: string | undefined): KeyCheck | undefined {
  const keys = (secret ?? '').split(/[\s,]+/).filter((key) => key !== '');
  if (keys.length === 0) return undefined;
  let wanted: Promise<Uint8Array[]> | undefined;
  return async (authorization) => {
    wanted ??= Promise.all(keys.map(digest));
    const given = await digest(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '');
    // Digests have one length and every byte of every key is looked at, so time tells nothing about the keys.
    let found = 0;
    for (const key of await wanted) {
      let difference = 0;
      for (let i = 0; i < key.length; i++) difference |= (key[i] ?? 0) ^ (given[i] ?? 0);
      found |= Number(difference === 0);
    }
    return found === 1;
  };
}
