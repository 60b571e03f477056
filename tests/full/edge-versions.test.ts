// A model trained again under its name, over real HTTP: in a folder that `pocketgen serve` watches, and in a Worker that is
// deployed again. Whoever holds an address gets what it has always meant, or a 404, and never another picture.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startNodeServer } from '../../bench/edge-server.ts';
import { versionedName } from '../../contract/version.ts';
import { replaceFolder } from '../../export/folder.ts';
import { COLOUR } from '../fast/edge-fixture.ts';
import { tinyFolder } from '../fast/edge-services.ts';
import { startWorkerd } from './edge-workerd.ts';

const NAME = COLOUR.name;
/** The same names and sizes, other pictures: only the latent is longer. */
const retrained = await tinyFolder({ ...COLOUR, latent: COLOUR.latent + 1 });
afterAll(retrained.remove);
const retrain = (folder: string) =>
  replaceFolder(join(folder, NAME), (to) => cpSync(join(retrained.folder, NAME), to, { recursive: true }));

async function versionAt(url: string): Promise<string> {
  const { version } = (await (await fetch(`${url}/v1/models/${NAME}`)).json()) as { version: string };
  return version;
}

/** What a client sees of one address. */
async function ask(url: string, name: string, etag?: string) {
  const headers = etag === undefined ? {} : { 'If-None-Match': etag };
  const response = await fetch(`${url}/v1/images/${name}/ada.png?class=bag`, { headers });
  return {
    status: response.status,
    etag: response.headers.get('ETag') ?? '',
    life: response.headers.get('Cache-Control'),
    location: response.headers.get('Content-Location'),
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

type Seen = Awaited<ReturnType<typeof ask>>;

/** `url` serves the retrained model; `pinned` and `plain` are what clients hold of the one before. */
async function checkRetrained(url: string, before: string, pinned: Seen, plain: Seen): Promise<void> {
  const after = await versionAt(url);
  expect(after).not.toBe(before);
  expect([pinned.life, plain.life]).toEqual(['public, max-age=31536000, immutable', 'public, max-age=60']);
  expect([plain.etag, plain.location]).toEqual([
    pinned.etag,
    `/v1/images/${versionedName(NAME, before)}/ada.png?class=bag`,
  ]);
  // The old version's address, also when a cache asks whether it still holds.
  for (const etag of [undefined, pinned.etag]) {
    const gone = await ask(url, versionedName(NAME, before), etag);
    expect([gone.status, gone.life]).toEqual([404, 'no-store']);
    expect(gone.bytes.toString()).toContain(`expected ${versionedName(NAME, after)}, the version there is`);
  }
  // The model's address: new pictures under a new tag, the same as by the new version's address.
  const fresh = await ask(url, NAME, plain.etag);
  expect([fresh.status, fresh.location]).toEqual([200, `/v1/images/${versionedName(NAME, after)}/ada.png?class=bag`]);
  expect(fresh.bytes.equals(plain.bytes)).toBe(false);
  const lasting = await ask(url, versionedName(NAME, after));
  expect([lasting.etag, lasting.bytes.equals(fresh.bytes)]).toEqual([fresh.etag, true]);
}

test('Node: a bundle replaced in the folder', async () => {
  const tiny = await tinyFolder(COLOUR);
  const server = await startNodeServer(tiny.folder);
  try {
    const before = await versionAt(server.url);
    const [pinned, plain] = [await ask(server.url, versionedName(NAME, before)), await ask(server.url, NAME)];
    retrain(tiny.folder);
    // Until it is taken over, and at every moment of it, an address gives its own picture or none.
    await expect
      .poll(
        async () => {
          const old = await ask(server.url, versionedName(NAME, before));
          if (old.status === 200) expect(old.bytes.equals(pinned.bytes)).toBe(true);
          return old.status;
        },
        { timeout: 15_000, interval: 50 },
      )
      .toBe(404);
    await checkRetrained(server.url, before, pinned, plain);
  } finally {
    await server.stop();
    tiny.remove();
  }
});

test('workerd: a Worker deployed again, with the Cache API in use', async () => {
  const tiny = await tinyFolder(COLOUR);
  try {
    const first = await startWorkerd(tiny.folder, { CACHE: 'always' });
    const before = await versionAt(first.url);
    const [pinned, plain] = [await ask(first.url, versionedName(NAME, before)), await ask(first.url, NAME)];
    await first.stop();
    retrain(tiny.folder);
    const second = await startWorkerd(tiny.folder, { CACHE: 'always' });
    try {
      await checkRetrained(second.url, before, pinned, plain);
    } finally {
      await second.stop();
    }
  } finally {
    tiny.remove();
  }
});

test('workerd: PUBLIC_URL and TRUST_FORWARDED are variables of the Worker', async () => {
  const tiny = await tinyFolder(COLOUR);
  const claims = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'pics.example', 'X-Forwarded-Prefix': '/art' };
  const picturesAt = async (vars: Record<string, string>) => {
    const worker = await startWorkerd(tiny.folder, vars);
    try {
      const { pictures } = (await (await fetch(`${worker.url}/v1/models/${NAME}`, { headers: claims })).json()) as {
        pictures: string;
      };
      return pictures.replace(worker.url, 'its own').replace(/\/v1\/.*/, '');
    } finally {
      await worker.stop();
    }
  };
  try {
    expect(await picturesAt({})).toBe('its own');
    expect(await picturesAt({ TRUST_FORWARDED: '1' })).toBe('https://pics.example/art');
    expect(await picturesAt({ PUBLIC_URL: 'https://a.example/b' })).toBe('https://a.example/b');
  } finally {
    tiny.remove();
  }
});
