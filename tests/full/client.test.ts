// The library as others use it, built and in a real browser: in a window, in a worker, without a worker, with and without an
// import map; the bytes are those that Node draws. Nothing of the page (web/) is involved.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as Client from '../../client/index.ts';
import { open } from '../../client/index.ts';
import { scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { launchBrowser } from '../browser.ts';
import { type Host, serveFolder } from '../helpers/bundle-host.ts';
import { bundleWithEncoder } from '../helpers/way-back.ts';
import { digest } from '../web-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-client-'));
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const MODEL = '/models/fashion-gan/';
let browser: Browser;
let host: Host;
let isolated: Host;
/** Digests of what Node draws, by seed. */
const expected: string[] = [];

const MAP = JSON.stringify({ imports: { '@pocketgen/client': '/client/index.js' } });

beforeAll(async () => {
  // As npm lays packages out, and as a host may have them.
  const installed = join(folder, 'node_modules');
  await buildClient(join(installed, '@pocketgen/client/dist'));
  copyFileSync('client/package.json', join(installed, '@pocketgen/client/package.json'));
  symlinkSync(join(installed, '@pocketgen/client/dist'), join(folder, 'client'));
  symlinkSync(resolve('node_modules/onnxruntime-web/dist'), join(folder, 'ort'));
  symlinkSync(resolve('models'), join(folder, 'models'));
  mkdirSync(join(folder, 'pages'));
  const script = (library: string) =>
    `<script type="module">import * as client from '${library}'; Object.assign(globalThis, { client })</script>`;
  const map = `<script type="importmap">${MAP}</script>`;
  writeFileSync(join(folder, 'mapped.html'), `<!doctype html>${map}${script('@pocketgen/client')}`);
  writeFileSync(join(folder, 'bare.html'), `<!doctype html>${script('/client/index.js')}`);
  [host, isolated] = await Promise.all([serveFolder(folder), serveFolder(folder, ISOLATION)]);
  browser = await launchBrowser();
  const model = await open(new URL(`file://${resolve('models/fashion-gan')}/`));
  for (const seed of [0, 1, 2]) expected.push(digest((await model.draw({ seed })).data));
  await model.dispose();
});
afterAll(async () => {
  await browser?.close();
  await host?.close();
  await isolated?.close();
});

interface Visit {
  page: Page;
  context: BrowserContext;
  errors: string[];
}

async function visit(address: string): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(address);
  return { page, context, errors };
}

/** What the pages put there. */
declare const client: typeof Client;
declare let model: Client.Model;

/** Opens a model in the page, keeps it as `model` there, and draws seeds 0 to 2. */
async function draw(page: Page, options: Client.OpenOptions): Promise<{ digests: string[]; device: string }> {
  const { pictures, device } = await page.evaluate(
    async ([address, given]) => {
      Object.assign(globalThis, { model: await client.open(address, given) });
      const drawn: number[][] = [];
      for await (const { data } of model.drawMany([{ seed: 0 }, { seed: 1 }, { seed: 2 }])) drawn.push([...data]);
      return { pictures: drawn, device: model.device.provider };
    },
    [MODEL, options] as const,
  );
  return { digests: pictures.map(digest), device };
}

test('a plain page with an import map draws in a worker what Node draws, and finds the runtime by itself', async () => {
  const { page, context, errors } = await visit(`${host.url}mapped.html`);
  const { digests } = await draw(page, { device: 'wasm' });
  expect(digests).toEqual(expected);
  expect(page.workers().filter((worker) => worker.url().endsWith('/client/worker.js'))).toHaveLength(1);
  expect(host.asked).toContain('client/ort-wasm-simd-threaded.wasm');
  // Whatever else a page loads, it is from this host: no CDN.
  expect(errors).toEqual([]);

  const forms = await page.evaluate(async () => {
    const picture = await model.draw({ seed: 1 });
    const canvas = picture.toCanvas();
    const seen = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, 28, 28).data;
    const image = new Image();
    image.src = await picture.toDataURL({ scale: 4 });
    await image.decode();
    return {
      element: canvas instanceof HTMLCanvasElement,
      grey: [...seen].filter((_, i) => i % 4 === 0),
      alpha: [...picture.toImageData().data].filter((level, i) => i % 4 === 3 && level !== 255).length,
      size: [image.width, image.height],
      own: picture.toCanvas(new OffscreenCanvas(1, 1)).width,
    };
  });
  expect(digest(forms.grey)).toBe(expected[1]);
  expect(forms).toMatchObject({ element: true, alpha: 0, size: [112, 112], own: 28 });

  await page.evaluate(() => model.dispose());
  await expect.poll(() => page.workers().length).toBe(0);
  await context.close();
});

test('a second visit downloads nothing but the manifest, and none at all without a network', async () => {
  const { page, context } = await visit(`${host.url}mapped.html`);
  await draw(page, { device: 'wasm' });
  const cached = () => page.evaluate((address) => client.isCached(address), MODEL);
  expect(await cached()).toBe(true);
  await page.reload();
  host.asked.length = 0;
  expect((await draw(page, { device: 'wasm' })).digests).toEqual(expected);
  const large = host.asked.filter((path) => /\.(wasm|onnx)$/.test(path));
  expect(large).toEqual([]);
  await page.evaluate(() => client.clear());
  expect(await cached()).toBe(false);
  expect(await page.evaluate(async () => (await (await caches.open('pocketgen-files')).keys()).length)).toBe(0);
  await context.close();
});

test.each([
  ['without an import map', {}],
  ['with the runtime elsewhere', { wasmPaths: '/ort/' }],
  ['in the window itself', { wasmPaths: '/ort', worker: false }],
  [
    'with a worker of another address, keeping nothing',
    { wasmPaths: '/ort/', worker: '/client/worker.js', cache: false },
  ],
] as const)('%s the bytes are the same', async (_, options) => {
  const { page, context, errors } = await visit(`${host.url}bare.html`);
  const { digests, device } = await draw(page, options);
  expect(digests).toEqual(expected);
  expect(device).toBe('wasm');
  if ('cache' in options) {
    expect(await page.evaluate(async () => [await caches.keys(), Object.keys(localStorage)])).toEqual([[], []]);
  }
  expect(errors).toEqual([]);
  await context.close();
});

test.each([true, false])("in a page's own worker, worker: %s", async (worker) => {
  const script = `
    import { open } from '/client/index.js';
    const model = await open('${MODEL}', { wasmPaths: '/ort/', worker: ${worker}, device: 'wasm' });
    const picture = await model.draw({ seed: 2 });
    postMessage([picture.data, picture.toCanvas() instanceof OffscreenCanvas]);`;
  writeFileSync(join(folder, 'pages', `own-${worker}.js`), script);
  const { page, context } = await visit(`${host.url}bare.html`);
  const [data, offscreen] = await page.evaluate(async (address) => {
    const own = new Worker(address, { type: 'module' });
    const message = await new Promise<MessageEvent>((resolve, reject) => {
      own.onmessage = resolve;
      own.onerror = (event) => reject(new Error(event.message));
    });
    return [[...message.data[0]] as number[], message.data[1] as boolean] as const;
  }, `/pages/own-${worker}.js`);
  expect(digest(data)).toBe(expected[2]);
  expect(offscreen).toBe(true);
  await context.close();
});

test('threads draw in an isolated page, and elsewhere the headers that are missing are named', async () => {
  const { page, context } = await visit(`${isolated.url}bare.html`);
  const { digests, device } = await draw(page, { wasmPaths: '/ort/', device: 'wasm-threads' });
  expect(device).toBe('wasm-threads');
  expect(digests).toEqual(expected);
  await context.close();

  const other = await visit(`${host.url}bare.html`);
  await expect(draw(other.page, { wasmPaths: '/ort/', device: 'wasm-threads' })).rejects.toThrow(
    /device wasm-threads: expected a cross-origin isolated page.*Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp/,
  );
  await other.context.close();
});

test('auto begins on plain wasm, tells the others when it has measured them, and aborting opens nothing', async () => {
  const { page, context } = await visit(`${isolated.url}bare.html`);
  const seen = await page.evaluate(async (address) => {
    const reports: Client.DeviceReport[] = [];
    await new Promise<void>((resolve, reject) => {
      const onDevice = (report: Client.DeviceReport) => {
        reports.push(report);
        if (!report.measuring) resolve();
      };
      client.open(address, { wasmPaths: '/ort/', onDevice }).catch(reject);
    });
    const controller = new AbortController();
    const onProgress = ({ phase }: Client.Progress) => phase === 'starting' && controller.abort();
    const failed = await client
      .open(address, { wasmPaths: '/ort/', signal: controller.signal, onProgress })
      .catch((error: unknown) => (error as Error).name);
    return { reports, failed };
  }, MODEL);
  expect(seen.reports[0]).toMatchObject({ provider: 'wasm', measuring: true });
  const last = seen.reports.at(-1);
  expect(last?.verdicts.find(({ provider }) => provider === 'wasm-threads')?.milliseconds).toBeGreaterThan(0);
  expect(last?.verdicts.find(({ provider }) => provider === 'webgpu')?.reason).toBe('no-adapter');
  expect(seen.failed).toBe('AbortError');
  await context.close();
});

test.each([
  [
    'no runtime where the library looks',
    { wasmPaths: '/pages/' },
    /ort\S*: expected the file, got (status 404|a web page \(HTML\)) from the server; copy the ort files/,
  ],
  [
    'no worker at its address',
    { wasmPaths: '/ort/', worker: '/nowhere.js' },
    /worker: expected worker\.js .* set worker to its address or to false/,
  ],
] as const)('%s is named', async (_, options, words) => {
  const { page, context } = await visit(`${host.url}bare.html`);
  await expect(draw(page, options)).rejects.toThrow(words);
  await context.close();
});

/** What a page has of the worker that was made last, and whether there is a network. */
declare let last: Worker;
declare let online: boolean;

/** As `draw`, from workers that the page can take away, with a network that it can take away, keeping nothing. */
function openFragile(page: Page, device: 'wasm' | 'wasm-threads'): Promise<void> {
  return page.evaluate(
    async ([address, provider]) => {
      const worker = () => {
        const made = new Worker('/client/worker.js', { type: 'module', name: provider });
        Object.assign(globalThis, { last: made });
        return made;
      };
      const fetchIfOnline: typeof fetch = (...given) =>
        online ? fetch(...given) : Promise.reject(new TypeError('no network'));
      Object.assign(globalThis, { online: true });
      const options = { wasmPaths: '/ort/', worker, device: provider, cache: false, fetch: fetchIfOnline } as const;
      Object.assign(globalThis, { model: await client.open(address, options) });
    },
    [MODEL, device] as const,
  );
}

test('plain wasm whose worker dies of a batch rejects that batch and draws the next one in a new worker', async () => {
  const { page, context, errors } = await visit(`${host.url}bare.html`);
  await openFragile(page, 'wasm');
  const seen = await page.evaluate(async () => {
    const message = (error: unknown) => (error as Error).message;
    const [first, second] = [model.draw({ seed: 0 }), model.draw({ seed: 1 })];
    last.dispatchEvent(new ErrorEvent('error', { message: 'memory access out of bounds' }));
    return {
      first: await first.then(() => 'drawn', message),
      second: [...(await second).data],
      third: [...(await model.draw({ seed: 2 })).data],
    };
  });
  expect(seen.first).toContain('memory access out of bounds');
  expect([seen.second, seen.third].map(digest)).toEqual(expected.slice(1));
  expect(page.workers()).toHaveLength(1);
  expect(errors).toEqual([]);
  await context.close();
});

test('a worker that dies while there is no network for another: that picture and every later one is told so', async () => {
  const { page, context, errors } = await visit(`${isolated.url}bare.html`);
  await openFragile(page, 'wasm-threads');
  const seen = await page.evaluate(async () => {
    const message = (error: unknown) => (error as Error).message;
    online = false;
    const drawn = [model.draw({ seed: 0 }), model.draw({ seed: 1 })];
    last.dispatchEvent(new ErrorEvent('error', { message: 'out of memory' }));
    const told = await Promise.all(drawn.map((one) => one.then(() => 'drawn', message)));
    return [...told, await model.draw({ seed: 2 }).then(() => 'drawn', message)];
  });
  for (const words of seen) expect(words).toContain('expected an answer, got none');
  expect(seen).toHaveLength(3);
  expect(errors).toEqual([]);
  await context.close();
});

test('a model of another host that does not allow it is named with the header that is missing', async () => {
  const { page, context } = await visit(`${host.url}bare.html`);
  const failed = page.evaluate(async (address) => {
    await client.open(address, { wasmPaths: '/ort/' });
  }, `${isolated.url}models/fashion-gan/`);
  await expect(failed).rejects.toThrow(/model\.json: expected an answer, got none .*Access-Control-Allow-Origin/);
  await context.close();
});

test('a picture is encoded in a worker of its own to the numbers that Node gets', async () => {
  mkdirSync(join(folder, 'way-back'));
  const files = await bundleWithEncoder();
  for (const [name, bytes] of files) writeFileSync(join(folder, 'way-back', name), bytes);
  const { page, context, errors } = await visit(`${host.url}bare.html`);
  const latent = await page.evaluate(async () => {
    const there = await client.open('/way-back/', { device: 'wasm' });
    const point = await there.encode((await there.draw({ seed: 5, class: 'Bag' })).toImageData(), { class: 'Bag' });
    const encoded = Array.from(point.latent ?? []);
    await there.dispose();
    return encoded;
  });
  const here = await open([...files].map(([name, bytes]) => new File([bytes], name)));
  const { latent: expectedLatent } = await here.encode(await here.draw({ seed: 5, class: 'Bag' }), { class: 'Bag' });
  await here.dispose();
  expect(latent).toEqual(Array.from(expectedLatent ?? []));
  await expect.poll(() => page.workers().length).toBe(0);
  expect(errors).toEqual([]);
  await context.close();
});

/** The first block of a language in docs/client.md. */
function example(language: 'html' | 'js'): string {
  const block = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readFileSync('docs/client.md', 'utf8'))?.[1];
  if (block === undefined) throw new Error(`docs/client.md: expected an example in ${language}, got none`);
  return block;
}

test('the Node program of docs/client.md writes the file that the edge would send', async () => {
  writeFileSync(join(folder, 'example.mjs'), example('js'));
  execFileSync(process.execPath, ['example.mjs'], { cwd: folder });
  const model = await open(new URL(`file://${resolve('models/fashion-gan')}/`));
  const picture = await model.draw({ seed: 'ada@example.com', class: 'coat' });
  await model.dispose();
  expect(readFileSync(join(folder, 'ada.png')).equals(encodePng(scaleUp(picture, 8)))).toBe(true);
});

test("the page of docs/client.md draws Ada's coat, twice, and a walk from it", async () => {
  writeFileSync(join(folder, 'example.html'), example('html'));
  const { page, context, errors } = await visit(`${host.url}example.html`);
  const seen = async () => [await page.locator('canvas').count(), ...errors];
  await expect.poll(seen, { timeout: 60_000 }).toEqual([13]);
  await expect.poll(() => page.workers().length).toBe(0); // disposed
  const [first, second] = await page.evaluate(() =>
    [...document.querySelectorAll('canvas')].map((canvas) => {
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, 28, 28);
      return [...data].filter((_, i) => i % 4 === 0);
    }),
  );
  const model = await open(new URL(`file://${resolve('models/fashion-gan')}/`));
  const { data } = await model.draw({ seed: 'ada@example.com', class: 'coat' });
  await model.dispose();
  expect(digest(first ?? [])).toBe(digest(data));
  expect(digest(second ?? [])).toBe(digest(data)); // a walk begins where it begins
  expect(await page.locator('img').evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(224);
  expect(await page.locator('progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(1);
  expect(errors).toEqual([]);
  await context.close();
});
