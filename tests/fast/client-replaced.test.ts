// A bundle that is replaced on its server, seen by a device that keeps the one before: what it draws with, what it keeps, and
// what works without a network afterwards.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { open } from '../../client/index.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { bundleVersion } from '../../contract/version.ts';
import { type Host, memoryCache, serveFolder } from '../helpers/bundle-host.ts';
import { bundleWithEncoder } from '../helpers/way-back.ts';

type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** The same networks in other bytes: protobuf takes a field of the model, its doc_string, wherever it stands. */
async function renewed(files: Files): Promise<Files> {
  const json = JSON.parse(new TextDecoder().decode(files.get('model.json')));
  const newer: Files = new Map();
  for (const file of json.files) {
    const bytes = new Uint8Array([...(files.get(file.path) ?? []), 0x32, 1, 0x32]);
    Object.assign(file, { bytes: bytes.length, sha256: await sha256Hex(bytes) });
    newer.set(file.path, bytes);
  }
  return newer.set('model.json', new TextEncoder().encode(JSON.stringify(json)));
}

const versionIn = async (files: Files) =>
  bundleVersion(parseManifest(JSON.parse(new TextDecoder().decode(files.get('model.json')))));

const older = await bundleWithEncoder();
const newer = await renewed(older);
const away: typeof fetch = async () => {
  throw new TypeError('fetch failed');
};
const wasmPaths = new URL(`file://${process.cwd()}/node_modules/onnxruntime-web/dist/`);

let host: Host;
let served: Files;
let cache: ReturnType<typeof memoryCache>;
let address: string;
beforeEach(async () => {
  host = await serveFolder('models');
  served = older;
  cache = memoryCache();
  address = `${host.url}mine/`;
  host.instead = (path, response) => {
    const bytes = served.get(path.replace(/^mine\//, ''));
    if (bytes === undefined) return false;
    response.end(bytes);
    return true;
  };
});
afterEach(() => host.close());

/** Opens it and says which version drew; with `encode`, that pictures also find their way back. */
async function opened(options: Parameters<typeof open>[1] & { encode?: boolean } = {}): Promise<string> {
  const model = await open(address, { cache, ...options });
  const picture = await model.draw({ seed: 5, class: 'Bag' });
  if (options.encode === true) await model.encode(picture, { class: 'Bag' });
  await model.dispose();
  return bundleVersion(model.manifest);
}

const offline = { fetch: away, wasmPaths } as const;

test('what was kept beside the generator is kept of the newer bundle too', async () => {
  await opened({ encode: true });
  served = newer;
  host.asked.length = 0;
  expect(await opened()).toBe(await versionIn(newer));
  expect(host.asked).toEqual(['mine/model.json', 'mine/generator.fp32.onnx', 'mine/encoder.fp32.onnx']);
  expect(await opened({ ...offline, encode: true })).toBe(await versionIn(newer));
  expect([...cache.kept.keys()].filter((url) => url.includes('.onnx'))).toHaveLength(2);
});

test('where it cannot be had, the newer one draws and the device keeps the whole of the one before', async () => {
  await opened({ encode: true });
  served = new Map([...newer].filter(([name]) => !name.startsWith('encoder')));
  expect(await opened()).toBe(await versionIn(newer));
  expect(await opened({ ...offline, encode: true })).toBe(await versionIn(older));
});

test('nobody who never encoded downloads an encoder', async () => {
  await opened();
  served = newer;
  await opened();
  expect(host.asked.filter((path) => path.includes('encoder'))).toEqual([]);
});

test('a bundle of which half is uploaded is not drawn: the one that the device keeps is', async () => {
  const half = new Map(older).set('model.json', newer.get('model.json') as Uint8Array<ArrayBuffer>);
  await opened();
  served = half;
  expect(await opened()).toBe(await versionIn(older));
  await expect(open(address, { cache: memoryCache() })).rejects.toThrow(/generator\.fp32\.onnx: expected \d+ bytes/);

  served = new Map([['model.json', new TextEncoder().encode('{"format":"pocketgen-bundle","for')]]);
  expect(await opened()).toBe(await versionIn(older));
  served = new Map();
  expect(await opened()).toBe(await versionIn(older));
  expect(await opened(offline)).toBe(await versionIn(older));
  await expect(open(address, { cache: memoryCache() })).rejects.toThrow(
    'model.json: expected the file, got status 404',
  );
});

test('a version that is asked for is drawn from the device, and another one is refused before anything of it is kept', async () => {
  const [version, other] = [await versionIn(older), await versionIn(newer)];
  await opened();
  served = newer;
  host.asked.length = 0;
  expect(await opened({ version })).toBe(version);
  expect(host.asked).toEqual([]);

  const replaced = `mine/: expected version ${version}, got ${other}; the bundle there has been replaced`;
  await expect(open(address, { version, cache: memoryCache() })).rejects.toThrow(replaced);
  await expect(open(address, { version: '0123456789ab', cache })).rejects.toThrow('expected version 0123456789ab');
  expect(await opened(offline)).toBe(version);
});

test('an address that names a version is believed by what is there', async () => {
  host.instead = (path, response) => {
    const bytes = newer.get(path.split('/')[1] ?? '');
    response.end(bytes);
    return true;
  };
  address = `${host.url}mine@${await versionIn(older)}/`;
  await expect(open(address, { cache })).rejects.toThrow(`got ${await versionIn(newer)}`);
  expect(cache.kept.size).toBe(0);
});
