// Publishing to R2 through the S3 API: signatures, conditions, lists in pages, servers that are busy or refuse. R2 has no S3
// API on one's own machine, so tests/s3-server.ts stands for it here; the Worker's R2 is in full/publish-r2.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type CheckedBundle, readCheckedBundle } from '../../cli/publish/bundle.ts';
import { listModels, prune, publishBundle, unpublish } from '../../cli/publish/publish.ts';
import { openTarget } from '../../cli/publish/target.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { type S3Server, startS3 } from '../s3-server.ts';
import { writeBundle } from '../web-bundles.ts';

const KEYS = { R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: 'secret/+=' };
const root = mkdtempSync(join(tmpdir(), 'pocketgen-s3-'));
const bundles: CheckedBundle[] = [];
let s3: S3Server;
beforeAll(async () => {
  for (let version = 1; version <= 8; version++) {
    const name = version > 6 ? 'same' : `model-${version}`;
    await writeBundle(join(root, String(version)), { name, size: 8, channels: 1, version });
    bundles.push(await readCheckedBundle(join(root, String(version), name)));
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(async () => {
  s3 = await startS3('pictures', KEYS.R2_ACCESS_KEY_ID, KEYS.R2_SECRET_ACCESS_KEY);
});
afterEach(() => s3.stop());

const bucket = (more: Record<string, string> = {}) =>
  openTarget('r2:pictures', { R2_ENDPOINT: s3.url, ...KEYS, ...more });

test('eight publishers at once, each with its own connection, lose none of each other’s', async () => {
  await Promise.all(bundles.map(async (bundle) => publishBundle(await bucket(), bundle)));
  const models = await listModels(await bucket());
  expect(models.map(({ name, versions }) => [name, versions.length])).toEqual([
    ...[1, 2, 3, 4, 5, 6].map((n) => [`model-${n}`, 1]),
    ['same', 2],
  ]);
  expect(s3.answers).toContain(412); // they did come into each other's way
  expect(s3.answers.filter((status) => status >= 400 && status !== 412 && status !== 404)).toEqual([]);
});

test('prune reads the whole list, in pages, and leaves what is used', async () => {
  const store = await bucket();
  for (const bundle of bundles.slice(0, 3)) await publishBundle(store, bundle);
  await unpublish(store, 'model-1', undefined);
  const index = s3.objects.get('index.json');
  const old = Buffer.from(String(index?.bytes).replace(/"updated":"[^"]+"/, '"updated":"2026-01-01T00:00:00.000Z"'));
  s3.objects.set('index.json', { bytes: old, etag: '"old"', modified: new Date() });
  s3.objects.set('somebody/else.txt', { bytes: Buffer.from('x'), etag: '"x"', modified: new Date(0) });
  for (const object of s3.objects.values()) object.modified = new Date(0);
  const before = s3.objects.size;
  const removed = await prune(store);
  expect(removed).toBeGreaterThanOrEqual(2 + 1); // model-1's two objects, and shards of earlier indexes
  expect(s3.objects.size).toBe(before - removed);
  expect(s3.objects.has('somebody/else.txt')).toBe(true);
  expect((await listModels(store)).map(({ name }) => name)).toEqual(['model-2', 'model-3']);
  expect(await publishBundle(store, bundles[1] as CheckedBundle)).toEqual({ changed: false, dropped: [] });
});

test('a store that is busy is asked again; one that refuses, or is not there, is told in a sentence', async () => {
  s3.busy = 2;
  expect(await listModels(await bucket())).toEqual([]);
  expect(s3.answers).toEqual([503, 503, 404]);
  await expect(listModels(await bucket({ R2_SECRET_ACCESS_KEY: 'wrong' }))).rejects.toThrow(
    'bucket pictures: expected credentials that may read and write objects of this bucket, got 403 (The request signature we calculated does not match the signature you provided.)',
  );
  s3.stop();
  await expect(listModels(await bucket())).rejects.toThrow(
    /^bucket pictures: expected it to take GET \/index\.json, got no answer/,
  );
});

test('wrangler’s API token stands for the keys that Cloudflare makes of it: its id, and the hash of its value', async () => {
  const token = 'an-api-token';
  const own = await startS3('pictures', 'id-of-the-token', await sha256Hex(new TextEncoder().encode(token)));
  const api = createServer((request, response) => {
    const known = request.url === '/user/tokens/verify' && request.headers.authorization === `Bearer ${token}`;
    response.writeHead(known ? 200 : 401).end(JSON.stringify(known ? { result: { id: 'id-of-the-token' } } : {}));
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const CLOUDFLARE_API_BASE_URL = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const env = { R2_ENDPOINT: own.url, CLOUDFLARE_API_BASE_URL };
  try {
    expect(await listModels(await openTarget('r2:pictures', { ...env, CLOUDFLARE_API_TOKEN: token }))).toEqual([]);
    await expect(openTarget('r2:pictures', { ...env, CLOUDFLARE_API_TOKEN: 'other' })).rejects.toThrow(
      'CLOUDFLARE_API_TOKEN: expected one that Cloudflare knows, got 401; make a new one',
    );
  } finally {
    own.stop();
    api.close();
  }
  await expect(openTarget('r2:pictures', { ...env, CLOUDFLARE_API_TOKEN: token })).rejects.toThrow(
    /^http:\/\/127\.0\.0\.1:\d+: expected an answer, got none \(.*ECONNREFUSED.*\); check the network$/,
  );
  await expect(openTarget('', {})).rejects.toThrow('--to: expected r2, r2:BUCKET, https://… or a folder, got nothing');
  await expect(openTarget('HTTPS://pictures.example', {})).rejects.toThrow('PUBLISH_TOKEN: expected');
});
