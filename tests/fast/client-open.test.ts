// Opening a bundle through a real server: what is needed, progress, abort in the middle, what stays on the device, and every way in
// which an address can be wrong.
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { clear, files, isCached, open } from '../../client/index.ts';
import type { Progress } from '../../client/types.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { bundleVersion } from '../../contract/version.ts';
import { type Host, memoryCache, serveFolder } from '../helpers/bundle-host.ts';

const FOLDER = 'models/fashion-gan';
const manifest = parseManifest(JSON.parse(readFileSync(`${FOLDER}/model.json`, 'utf8')));
const ANSWER = { seed: 42, class: 'Sneaker' };
let host: Host;
let runtime: Host;
let expected: Uint8Array;

beforeAll(async () => {
  host = await serveFolder('models');
  runtime = await serveFolder('node_modules/onnxruntime-web/dist');
  const model = await open(new URL(`file://${process.cwd()}/${FOLDER}/`));
  expected = (await model.draw(ANSWER)).data;
  await model.dispose();
});
afterEach(() => {
  host.instead = undefined;
  runtime.instead = undefined;
  host.asked.length = 0;
  runtime.asked.length = 0;
});
afterAll(async () => {
  await host.close();
  await runtime.close();
});

const address = () => `${host.url}fashion-gan/`;

async function pictureOf(...given: Parameters<typeof open>): Promise<Uint8Array> {
  const model = await open(...given);
  const { data } = await model.draw(ANSWER);
  await model.dispose();
  return data;
}

test('a folder, its model.json, a zip by address, bytes, a zip of a person and the files of a folder are one bundle', async () => {
  const named = ['model.json', 'generator.int8.onnx'].map(
    (name) => [name, new Uint8Array(readFileSync(`${FOLDER}/${name}`))] as const,
  );
  const zip = new Uint8Array(zipSync(Object.fromEntries(named.map(([name, bytes]) => [`fashion-gan/${name}`, bytes]))));
  host.instead = (path, response) => {
    if (path !== 'fashion-gan.zip') return false;
    response.end(zip);
    return true;
  };
  for (const source of [
    address(),
    address().slice(0, -1),
    new URL(`${address()}model.json`),
    `${host.url}fashion-gan.zip`,
    zip,
    zip.buffer,
    new Blob([zip]),
    new File([zip], 'mine.zip'),
    named.map(([name, bytes]) => new File([bytes], name)),
  ])
    expect(await pictureOf(source)).toEqual(expected);
});

test('files() names what is needed with its bytes, and downloads nothing but the manifest', async () => {
  const needed = await files(address(), { variant: 'fp16', wasmPaths: runtime.url });
  expect(host.asked).toEqual(['fashion-gan/model.json']);
  expect(runtime.asked).toEqual([]);
  expect(needed.map(({ name, part, cached }) => [name, part, cached])).toEqual([
    ['generator.fp16.onnx', 'model', false],
    ['ort.wasm.min.mjs', 'runtime', false],
    ['ort-wasm-simd-threaded.mjs', 'runtime', false],
    ['ort-wasm-simd-threaded.wasm', 'runtime', false],
  ]);
  for (const { url, bytes } of needed) expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(bytes);
});

test('progress is of all files together, its total known from the beginning', async () => {
  const seen: Progress[] = [];
  const cache = memoryCache();
  const options = { cache, wasmPaths: localRuntime };
  const total = (await files(address(), options)).reduce((sum, { bytes }) => sum + bytes, 0);
  await (await open(address(), { ...options, onProgress: (progress) => seen.push(progress) })).dispose();
  const loading = seen.filter(({ phase }) => phase === 'loading');
  expect(new Set(seen.map((progress) => progress.total))).toEqual(new Set([total]));
  expect(loading.map(({ loaded }) => loaded)).toEqual(loading.map(({ loaded }) => loaded).toSorted((a, b) => a - b));
  expect(loading.at(-1)?.loaded).toBe(total);
  expect(loading.length).toBeGreaterThan(4);
  expect(seen.at(-1)).toEqual({ phase: 'ready', loaded: total, total });
  expect(seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1])).toEqual([
    'loading',
    'starting',
    'ready',
  ]);
});

/** On a disk: Node imports no script by http. */
const localRuntime = new URL(`file://${process.cwd()}/node_modules/onnxruntime-web/dist/`);

test('aborted in the middle of the download: it rejects with the reason, the connection ends, nothing stays', async () => {
  const cache = memoryCache();
  const controller = new AbortController();
  let closed: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    closed = resolve;
  });
  host.instead = (path, response) => {
    if (!path.endsWith('.onnx')) return false;
    response.on('close', () => closed?.());
    response.writeHead(200).write(readFileSync(`${FOLDER}/generator.int8.onnx`).subarray(0, 1000)); // and no more
    return true;
  };
  const opened = open(address(), {
    cache,
    signal: controller.signal,
    onProgress: ({ loaded }) => loaded > 0 && controller.abort(new Error('the person left')),
  });
  await expect(opened).rejects.toThrow('the person left');
  await ended;
  expect([...cache.kept.keys()].filter((url) => url.includes('fashion-gan'))).toEqual([]);
  host.instead = undefined;
  expect(await pictureOf(address(), { cache })).toEqual(expected);
});

test('aborted while the device is looked at: it rejects with the reason, and no network is asked for', async () => {
  const controller = new AbortController();
  const requestAdapter = async () => controller.abort(new Error('the person left')) ?? null;
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  await expect(open(address(), { signal: controller.signal, cache: false })).rejects.toThrow('the person left');
  vi.unstubAllGlobals();
  expect(host.asked).toEqual(['fashion-gan/model.json']);
});

test('aborted when everything has just been read: it rejects with the reason, and no worker is left behind', async () => {
  const controller = new AbortController();
  let spawned = 0;
  const opened = open(address(), {
    worker: () => {
      spawned++;
      throw new Error('expected no worker, got one');
    },
    signal: controller.signal,
    onProgress: ({ loaded, total }) => loaded === total && controller.abort(new Error('the person left')),
  });
  await expect(opened).rejects.toThrow('the person left');
  expect(spawned).toBe(0);
});

test('what was opened is cached: it opens without a network, until it is cleared', async () => {
  const cache = memoryCache();
  expect(await isCached(address(), { cache })).toBe(false);
  await pictureOf(address(), { cache });
  expect(await isCached(address(), { cache })).toBe(true);
  expect(await isCached(address(), { cache, variant: 'fp32' })).toBe(false);
  expect((await files(address(), { cache })).every(({ cached }) => cached)).toBe(true);

  const away: typeof fetch = async () => {
    throw new TypeError('fetch failed');
  };
  expect(await pictureOf(address(), { cache, fetch: away, wasmPaths: localRuntime })).toEqual(expected);

  await clear(address(), { cache });
  expect(await isCached(address(), { cache })).toBe(false);
  await expect(open(address(), { cache, fetch: away })).rejects.toThrow(
    /fashion-gan\/model\.json: expected an answer, got none \(fetch failed\); check the address and the network/,
  );
});

test('a bundle at the root of a site takes nothing from those below it, neither when it is kept nor when it is cleared', async () => {
  host.instead = (path, response) => {
    if (path.includes('/')) return false;
    response.end(readFileSync(`${FOLDER}/${path}`));
    return true;
  };
  const cache = memoryCache();
  await pictureOf(address(), { cache });
  await pictureOf(host.url, { cache });
  expect(await isCached(address(), { cache })).toBe(true);
  expect(await isCached(host.url, { cache })).toBe(true);
  await clear(host.url, { cache });
  expect(await isCached(address(), { cache })).toBe(true);
  expect(await isCached(host.url, { cache })).toBe(false);
});

test('a versioned address is asked for nothing that the device has', async () => {
  const name = `fashion-gan@${await bundleVersion(manifest)}`;
  host.instead = (path, response) => {
    if (!path.startsWith(name)) return false;
    response.end(readFileSync(`models/${path.replace(name, 'fashion-gan')}`));
    return true;
  };
  const cache = memoryCache();
  expect(await pictureOf(`${host.url}${name}/`, { cache })).toEqual(expected);
  expect(host.asked).toEqual([`${name}/model.json`, `${name}/generator.int8.onnx`]);
  expect(await pictureOf(`${host.url}${name}/`, { cache })).toEqual(expected);
  expect(host.asked).toHaveLength(2);
});

test('two models beside each other have options of their own', async () => {
  const asked: string[] = [];
  const counting: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, init);
  };
  const [one, two] = [memoryCache(), memoryCache()];
  const [small, exact] = await Promise.all([
    open(address(), { cache: one, fetch: counting, wasmPaths: localRuntime }),
    open(address(), { cache: two, variant: 'fp32' }),
  ]);
  expect([small.variant, exact.variant]).toEqual(['int8', 'fp32']);
  expect([...one.kept.keys()].some((url) => url.includes('int8'))).toBe(true);
  expect([...two.kept.keys()].some((url) => url.includes('int8'))).toBe(false);
  expect(asked.some((url) => url.endsWith('generator.int8.onnx'))).toBe(true);
  expect(asked.some((url) => url.endsWith('generator.fp32.onnx'))).toBe(false);
  const [a, b] = await Promise.all([small.draw(ANSWER), exact.draw(ANSWER)]);
  expect(a.data).toEqual(expected);
  expect(b.data).not.toEqual(expected);
  await small.dispose();
  expect((await exact.draw(ANSWER)).data).toEqual(b.data); // one that is disposed takes nothing from another
  await exact.dispose();
  await expect(small.draw(ANSWER)).rejects.toThrow('the model was disposed');
});

test.each([
  [
    'the manifest',
    /model\.json$/,
    /model\.json: expected the file, got a web page \(HTML\) from the server; give open/,
  ],
  [
    'the network',
    /\.onnx$/,
    /generator\.int8\.onnx: expected the file, got a web page \(HTML\) from the server; give open/,
  ],
  [
    'the runtime',
    /\.wasm$/,
    /threaded\.wasm: expected the file, got a web page \(HTML\) from the server; copy the ort files/,
  ],
])('HTML in place of %s is named', async (_, file, words) => {
  const page: Host['instead'] = (path, response) => {
    if (!file.test(path)) return false;
    response
      .writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
      .end('<!doctype html><title>Welcome</title>');
    return true;
  };
  host.instead = page;
  runtime.instead = page;
  await expect(open(address(), { wasmPaths: runtime.url })).rejects.toThrow(words);
});

test.each([
  [
    'a folder that is not there',
    'nothing/',
    {},
    /nothing\/model\.json: expected the file, got status 404 from the server/,
  ],
  [
    'another variant',
    'fashion-gan/',
    { variant: 'int4' },
    /expected dtype int8 or fp16 or fp32|expected dtype .*, got int4/,
  ],
  [
    'a device that is none',
    'fashion-gan/',
    { device: 'npu' },
    /device: expected auto, webgpu, wasm-threads, wasm, got npu/,
  ],
  [
    'WebGPU where there is none',
    'fashion-gan/',
    { device: 'webgpu' },
    /device webgpu: expected a browser that gives a WebGPU adapter/,
  ],
  [
    'threads without a worker',
    'fashion-gan/',
    { device: 'wasm-threads' },
    /device wasm-threads: expected a worker .* got worker: false/,
  ],
])('%s is named', async (_, path, options, words) => {
  await expect(open(`${host.url}${path}`, options as Parameters<typeof open>[1])).rejects.toThrow(words);
});

test('a runtime that is not there, or of another version, is named with what to set', async () => {
  await expect(open(address(), { wasmPaths: host.url })).rejects.toThrow(
    /ort[^ ]*: expected the file, got status 404 from the server; copy the ort files .* or set wasmPaths to the folder/,
  );
  runtime.instead = (path, response) => {
    if (!path.endsWith('.wasm')) return false;
    response.end('\0asm of another version');
    return true;
  };
  await expect(open(address(), { wasmPaths: runtime.url })).rejects.toThrow(
    /ort-wasm-simd-threaded\.wasm: expected 14239897 bytes of SHA-256 .*, got another file; copy .* set wasmPaths to the folder of onnxruntime-web 1\.30\.0/,
  );
});

test('a relative address in Node, and a file that is no bundle, are named', async () => {
  await expect(open('models/fashion-gan')).rejects.toThrow(
    "source: expected an absolute address, got models/fashion-gan; use new URL('models/fashion-gan', import.meta.url)",
  );
  await expect(open(new File(['PK?'], 'mine.zip'))).rejects.toThrow('mine.zip: expected a zip');
  await expect(open(new Uint8Array([1, 2, 3]))).rejects.toThrow('model.json: expected it in the bundle, got none');
});
