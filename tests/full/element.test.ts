// <pocket-picture> in real Chromium beside the real API: what it draws, what it loads, what it costs a page and what it
// leaves behind. Figures are printed.
import { loadavg } from 'node:os';
import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PocketPicture } from '../../client/element/index.ts';
import { decodePng } from '../../contract/png.ts';
import { launchBrowser } from '../browser.ts';
import { type ElementPage, type ElementSite, elementSite, openElementPage } from '../element-site.ts';
import { MODEL, violations } from '../web-harness.ts';

const BUNDLE = `/models/${MODEL}/`;

let site: ElementSite;
let browser: Browser;
let context: BrowserContext;
let opened: ElementPage;
let page: Page;

beforeAll(async () => {
  site = await elementSite();
  browser = await launchBrowser({ args: ['--js-flags=--expose-gc', '--enable-precise-memory-info'] });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
beforeEach(async () => {
  context = await browser.newContext();
  opened = await openElementPage(context, site);
  page = opened.page;
});
afterEach(async () => {
  await context?.close();
});

/** Puts markup on the page, and waits until each element has had `loads` loads or an error. */
async function put(markup: string, loads = 1): Promise<void> {
  await page.evaluate(
    async ([html, count]) => {
      const main = document.querySelector('main') ?? document.body;
      const template = document.createElement('template');
      template.innerHTML = html;
      const elements = [...template.content.querySelectorAll('pocket-picture')];
      const done = elements.map(
        (element) =>
          new Promise<void>((resolve) => {
            let left = count;
            element.addEventListener('load', () => --left === 0 && resolve());
            element.addEventListener('error', () => resolve());
          }),
      );
      main.append(template.content);
      await Promise.all(done);
    },
    [markup, loads] as const,
  );
}

/** Grey levels of what the first element shows, by whichever of the two. */
function levels(): Promise<number[]> {
  return page.evaluate(() => {
    const view = document
      .querySelector('pocket-picture')
      ?.shadowRoot?.querySelector<HTMLCanvasElement>('[part=picture]');
    if (!view) return [];
    const [width, height] =
      view instanceof HTMLImageElement ? [view.naturalWidth, view.naturalHeight] : [view.width, view.height];
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context?.drawImage(view, 0, 0);
    return [...(context?.getImageData(0, 0, width, height).data ?? [])].filter((_, i) => i % 4 === 0);
  });
}

/** What the API draws. */
async function expected(query: string): Promise<number[]> {
  const response = await fetch(`${site.url}/v1/images/${MODEL}/${query}`);
  return [...decodePng(new Uint8Array(await response.arrayBuffer())).data];
}

const property = <Name extends keyof PocketPicture>(name: Name): Promise<PocketPicture[Name]> =>
  page.evaluate((key) => document.querySelector('pocket-picture')?.[key as never] as never, name);

test('draws on the device what the API draws, from a box that never changes, and says how far it is', async () => {
  await page.evaluate(() => {
    const seen = { bytes: [] as [number, number][], shifts: 0 };
    Object.assign(globalThis, { seen });
    document.addEventListener(
      'progress',
      (event) => {
        const { loaded, total } = event as ProgressEvent;
        seen.bytes.push([loaded, total]);
      },
      true,
    );
    new PerformanceObserver((list) => {
      seen.shifts += list.getEntries().length;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.evaluate(() => {
    document.querySelector('main')?.insertAdjacentHTML('beforeend', '<p>Below</p>');
  });
  await put(
    `<pocket-picture src="${BUNDLE}" seed="ada@example.com" label="Coat" truncation="0.7" alt="A coat"></pocket-picture>`,
  );
  expect(await levels()).toEqual(await expected('ada@example.com.png?class=coat&truncation=0.7'));
  expect(await property('drawnBy')).toBe('device');
  expect(await property('complete')).toBe(true);
  const { bytes, shifts } = await page.evaluate(
    () => (globalThis as unknown as { seen: { bytes: [number, number][]; shifts: number } }).seen,
  );
  expect(shifts).toBe(0);
  expect(bytes.length).toBeGreaterThan(1);
  expect(bytes.at(-1)?.[0]).toBe(bytes.at(-1)?.[1]);
  expect(bytes.map(([loaded]) => loaded)).toEqual(bytes.map(([loaded]) => loaded).sort((a, b) => a - b));
  const box = await page.locator('pocket-picture').evaluate((element) => {
    const { width, height } = element.getBoundingClientRect();
    const picture = element.shadowRoot?.querySelector('canvas');
    return [
      width,
      height,
      picture && getComputedStyle(picture).imageRendering,
      element.shadowRoot?.querySelector('canvas')?.width,
    ];
  });
  expect(box).toEqual([128, 128, 'pixelated', 28]);
  expect(opened.errors).toEqual([]);
});

test('device none shows the edge’s picture by its versioned address and downloads nothing else', async () => {
  const of = (seed: number) =>
    `<pocket-picture edge="/" model="${MODEL}" seed="${seed}" label="Bag" device="none" alt="A bag"></pocket-picture>`;
  await put(of(7) + of(8) + of(9));
  expect(await property('drawnBy')).toBe('edge');
  expect(await levels()).toEqual(await expected('7.png?class=bag'));
  // The version is asked for once; that answer has no body.
  const pictures = opened.requests.filter((path) => path.startsWith('/v1/images/')).sort();
  const kept = [7, 8, 9].map((seed) =>
    expect.stringMatching(new RegExp(`^/v1/images/${MODEL}@[0-9a-f]{12}/${seed}\\.png$`)),
  );
  expect(pictures).toEqual([`/v1/images/${MODEL}/0.png`, ...kept]);
  expect(opened.requests.filter((path) => /models\/.*\/|wasm|onnx/.test(path) && !path.startsWith('/v1/'))).toEqual([]);
  expect(opened.errors).toEqual([]);
});

test('with an edge the first picture is the edge’s; then the device takes over, and the network is needed no more', async () => {
  await put(`<pocket-picture edge="/" model="${MODEL}" seed="7" alt="Clothes"></pocket-picture>`);
  expect(await property('drawnBy')).toBe('edge');
  const first = await levels();
  await page.waitForFunction(() => document.querySelector('pocket-picture')?.drawnBy === 'device');
  expect(await levels()).toEqual(first);
  await context.setOffline(true);
  await page.evaluate(async () => {
    const element = document.querySelector('pocket-picture');
    if (element === null) throw new Error('no element');
    const loaded = new Promise((resolve) => element.addEventListener('load', resolve, { once: true }));
    element.seed = '8';
    await loaded;
  });
  await context.setOffline(false);
  expect(await property('drawnBy')).toBe('device');
  expect(await levels()).toEqual(await expected('8.png'));
  expect(opened.errors).toEqual([]);
});

test('an edge that accepts and never answers keeps no device from drawing, and what it answers too late is not shown', async () => {
  const { headers } = await fetch(`${site.url}/v1/images/${MODEL}/0.png`, { method: 'HEAD' });
  const versioned = /[^/]+@[0-9a-f]{12}/.exec(headers.get('Content-Location') ?? '')?.[0];
  const silent: Route[] = [];
  await page.route('**/v1/images/**', (route) => void silent.push(route));
  const aborted = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/7.png'));
  await put(`<pocket-picture edge="/" model="${versioned}" seed="7" alt="Clothes"></pocket-picture>`);
  expect(await property('drawnBy')).toBe('device');
  expect((await aborted).failure()?.errorText).toBe('net::ERR_ABORTED');
  await removeAll();
  // Here it is the question for the version that waits; another device, as the model that is open asks no edge.
  await put(`<pocket-picture edge="/" model="${MODEL}" seed="8" device="wasm" alt="Clothes"></pocket-picture>`);
  expect(await property('drawnBy')).toBe('device');
  const answered = page.waitForResponse((response) => response.url().endsWith('/0.png'));
  await silent.at(-1)?.continue();
  await answered;
  await page.waitForTimeout(300);
  expect([await property('drawnBy'), ...opened.errors]).toEqual(['device']);
  expect(opened.requests.filter((path) => path.endsWith('/8.png'))).toEqual([]);
});

test('what cannot be drawn is an error event with the reason, and the content between the tags stays', async () => {
  const messageOf = (attributes: string) =>
    page.evaluate(async (text) => {
      const template = document.createElement('template');
      template.innerHTML = `<pocket-picture ${text}><i>nothing yet</i></pocket-picture>`;
      const element = template.content.querySelector('pocket-picture');
      if (element === null) throw new Error('no element');
      const failed = new Promise<string>((resolve) =>
        element.addEventListener('error', ({ message }) => resolve(message), { once: true }),
      );
      document.body.append(element);
      const message = await failed;
      const seen = element.shadowRoot?.querySelector('slot')?.assignedElements().length;
      element.remove();
      return `${message} [${seen}]`;
    }, attributes);
  expect(await messageOf('src="/models/nothing/" seed="1"')).toMatch(/model\.json.*404.*\[1\]$/);
  expect(await messageOf(`src="${BUNDLE}" seed="1" label="hat"`)).toMatch(/^class: expected .*, got hat.* \[1\]$/);
  expect(await messageOf(`edge="/" model="${MODEL}" seed="1" label="hat" device="none"`)).toMatch(
    /class: expected .*, got hat.*\[1\]$/,
  );
  expect(await messageOf('edge="/" model="nothing" seed="1" device="none"')).toMatch(/model: expected .*\[1\]$/);
  expect(await messageOf(`src="${BUNDLE}" model="${MODEL}@0123456789ab" seed="1"`)).toMatch(
    /expected version 0123456789ab, got [0-9a-f]{12}; .*\[1\]$/,
  );
  expect(await messageOf(`src="${BUNDLE}" seed="1" truncation="2"`)).toBe(
    'truncation: expected a number above 0, at most 1, got 2 [1]',
  );
});

test('one that failed tries again with its next seed, and one that is removed while it loads loads no more', async () => {
  await page.route('**/model.json', (route) => route.fulfill({ status: 503 }));
  await put(`<pocket-picture src="${BUNDLE}" seed="1" device="wasm" alt="Clothes"></pocket-picture>`);
  expect(await property('drawnBy')).toBe(null);
  await page.unroute('**/model.json');
  await page.waitForTimeout(1100);
  await page.evaluate(() => document.querySelector('pocket-picture')?.setAttribute('seed', '2'));
  await page.waitForFunction(() => document.querySelector('pocket-picture')?.drawnBy === 'device');
  expect(await levels()).toEqual(await expected('2.png'));
  await removeAll();
  await expect.poll(() => page.workers().length, { timeout: 5000 }).toBe(0);
  await page.route('**/*.onnx', () => undefined); // never answers
  await page.evaluate(async (src) => {
    for (const name of await caches.keys()) await caches.delete(name);
    const element = Object.assign(document.createElement('pocket-picture'), { src, seed: '3', device: 'wasm' });
    document.body.append(element);
  }, BUNDLE);
  const ended = page.waitForEvent('requestfailed', (request) => request.url().endsWith('.onnx'));
  await page.waitForRequest('**/*.onnx');
  await removeAll();
  expect((await ended).failure()?.errorText).toBe('net::ERR_ABORTED');
});

test('lazy ones load when they are about to be seen', async () => {
  await page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<div style="height: 5000px"></div>'));
  await page.evaluate((src) => {
    document.body.insertAdjacentHTML(
      'beforeend',
      `<pocket-picture src="${src}" seed="1" loading="lazy" alt="Clothes"></pocket-picture>`,
    );
  }, BUNDLE);
  await page.waitForTimeout(300);
  expect(opened.requests.filter((path) => path.startsWith('/models/'))).toEqual([]);
  await page.locator('pocket-picture').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector('pocket-picture')?.drawnBy === 'device');
});

test('an image by its alt, nothing without, and no stop for the keyboard', async () => {
  await put(`<button>before</button>
    <pocket-picture src="${BUNDLE}" seed="1" alt="A red coat"></pocket-picture>
    <pocket-picture src="${BUNDLE}" seed="2" alt=""></pocket-picture>
    <button>after</button>`);
  const session = await context.newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const images = nodes.filter(({ ignored, role }) => !ignored && /^(image|img|Canvas)$/.test(String(role?.value)));
  expect(images.map(({ role, name }) => [role?.value, name?.value])).toEqual([['image', 'A red coat']]);
  await page.locator('button').first().focus();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('after');
  expect(await violations(page)).toEqual([]);
});

test('properties are attributes, also those set before the element was defined', async () => {
  const found = await page.evaluate(() => {
    const element = document.createElement('pocket-picture');
    const fresh = [element.src, element.truncation, element.device, element.loading, element.complete, element.drawnBy];
    Object.assign(element, { seed: 7, truncation: 0.5, alt: 'A coat', loading: 'lazy', device: 'wasm' });
    const set = element.outerHTML;
    Object.assign(element, { seed: undefined, truncation: null });
    // Made where nothing is defined, as by a parser before the script has run.
    const inert = document.implementation.createHTMLDocument().createElement('pocket-picture') as PocketPicture;
    Object.defineProperty(inert, 'seed', { value: 'early', writable: true, enumerable: true, configurable: true });
    document.body.append(inert);
    return {
      fresh,
      set,
      after: element.outerHTML,
      upgraded: [inert.getAttribute('seed'), Object.hasOwn(inert, 'seed')],
    };
  });
  expect(found).toEqual({
    fresh: ['', null, 'auto', 'eager', true, null],
    set: '<pocket-picture seed="7" truncation="0.5" alt="A coat" loading="lazy" device="wasm"></pocket-picture>',
    after: '<pocket-picture alt="A coat" loading="lazy" device="wasm"></pocket-picture>',
    upgraded: ['early', false],
  });
});

test('one that is moved, or told again what it shows, keeps its picture', async () => {
  await put(`<pocket-picture src="${BUNDLE}" seed="1" alt="Clothes"></pocket-picture>`);
  const seen = await page.evaluate(async () => {
    const element = document.querySelector('pocket-picture');
    if (element === null) throw new Error('no element');
    const canvas = element.shadowRoot?.querySelector('canvas');
    let loads = 0;
    element.addEventListener('load', () => loads++);
    element.seed = '1';
    await new Promise((resolve) => setTimeout(resolve, 100));
    document.body.prepend(element);
    const at: boolean[] = [];
    for (let frame = 0; frame < 5; frame++) {
      await new Promise(requestAnimationFrame);
      at.push(element.shadowRoot?.querySelector('canvas') === canvas);
    }
    return { at, loads, complete: element.complete };
  });
  expect(seen).toEqual({ at: [true, true, true, true, true], loads: 0, complete: true });
});

/** After collection: megabytes of the page's JavaScript, workers, and documents' nodes. */
async function counts(): Promise<{ heap: number; workers: number; nodes: number }> {
  const session = await context.newCDPSession(page);
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes } = await session.send('Memory.getDOMCounters');
  await session.detach();
  return { heap: usedSize / 1e6, workers: page.workers().length, nodes };
}

async function removeAll(): Promise<void> {
  await page.evaluate(() => {
    for (const element of document.querySelectorAll('pocket-picture')) element.remove();
  });
}

/** The longest tasks of the page's main thread while `work` is done: milliseconds of its own work, whatever else the machine does. */
async function longestTasks(work: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: { name: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }[];
  };
  const thread = ({ pid, tid }: { pid: number; tid: number }) => `${pid} ${tid}`;
  const main = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const mains = new Set(main.map(thread));
  return traceEvents
    .filter((event) => event.name.endsWith('RunTask') && mains.has(thread(event)))
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a)
    .slice(0, 3);
}

test('100 of them share one runtime, keep the page answering, and are gone when they are removed', async () => {
  const markup = (from: number) =>
    Array.from(
      { length: 100 },
      (_, i) => `<pocket-picture src="${BUNDLE}" device="wasm" seed="${from + i}" alt="Clothes"></pocket-picture>`,
    ).join('');
  const timed = async (work: () => Promise<void>) => {
    const start = performance.now();
    await work();
    return `${((performance.now() - start) / 1000).toFixed(2)} s`;
  };
  await page.evaluate(() => {
    const long: number[] = [];
    Object.assign(globalThis, { long });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.push(duration);
    }).observe({ type: 'longtask' });
  });
  const empty = await counts();
  let [first, replaced] = ['', ''];
  let full = empty;
  const tasks = await longestTasks(async () => {
    first = await timed(() => put(markup(0)));
    full = await counts();
    replaced = await timed(async () => {
      await removeAll();
      await put(markup(1000));
    });
  });
  await removeAll();
  await expect.poll(() => page.workers().length, { timeout: 5000 }).toBe(0);
  const after = await counts();
  const long = await page.evaluate(() => (globalThis as unknown as { long: number[] }).long);
  const [models, networks] = [/\/model\.json$/, /\.onnx$/].map(
    (file) => opened.requests.filter((path) => file.test(path)).length,
  );
  const milliseconds = (numbers: readonly number[]) => numbers.map((ms) => `${ms.toFixed(0)} ms`).join(', ') || 'none';
  console.log(
    `element: 100 pictures in ${first}, 100 others in their place in ${replaced} (load ${loadavg()[0]?.toFixed(1)}); longest ` +
      `tasks, the thread's own time: ${milliseconds(tasks)}; long tasks by the clock: ${milliseconds(long)}; ` +
      `${full.workers} worker, ${models} model.json, ${networks} network; ` +
      `heap ${empty.heap.toFixed(1)} → ${full.heap.toFixed(1)} → ${after.heap.toFixed(1)} MB, ` +
      `nodes ${empty.nodes} → ${full.nodes} → ${after.nodes}, workers ${empty.workers} → ${full.workers} → ${after.workers}`,
  );
  expect([full.workers, models, networks]).toEqual([1, 1, 1]);
  expect(tasks[0]).toBeGreaterThan(0);
  expect(tasks[0]).toBeLessThanOrEqual(50);
  expect(after.heap - empty.heap).toBeLessThan(2);
  expect(after.nodes - empty.nodes).toBeLessThan(20);
  expect(opened.errors).toEqual([]);
});
