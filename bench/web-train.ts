// Training steps in real Chromium: images a second of preset `quick`'s networks (28 px, grey) and of a 32 px colour recipe on the
// page's trainer, one wasm thread and several: `npm run build && npm run bench:web-train`. tfjs's own wasm backend has no gradient
// of a convolution's filter, so it cannot run the step; bench/train.ts times it on tfjs's plain backend.
import { parseArgs } from 'node:util';
import { randomWords } from '../contract/random.ts';
import { launchBrowser } from '../tests/browser.ts';
import { MODEL, openPage } from '../tests/web-harness.ts';
import { serveSite } from '../tests/web-site.ts';
import { FAMILIES } from '../train/families/family.ts';
import type { Call, FromTrainer, NewRun, Outlook, RuntimeParts } from '../web/train/protocol.ts';

const { values } = parseArgs({
  options: { site: { type: 'string', default: 'dist/web' }, threads: { type: 'string', default: '1,2,4' } },
});

/** Noise: what is on a picture costs nothing. */
function noise(size: number, channels: 1 | 3, classes: number): NewRun {
  const count = 100;
  const words = randomWords(1, 3, 0, count * size * size * channels);
  return {
    ...{ name: 'noise', size, channels, width: 32, family: FAMILIES[0] },
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    pixels: Uint8Array.from(words, (word) => word & 255),
    labels: Uint8Array.from({ length: count }, (_, i) => (classes > 0 ? i % classes : 0)),
  };
}
const RUNS = { 'quick, 28 px grey': noise(28, 1, 10), 'auto, 32 px colour': noise(32, 3, 0) };

const site = await serveSite(values.site);
const browser = await launchBrowser();
const { page } = await openPage(await browser.newContext(), `${site.url}#model=${MODEL}&view=make`);
await page.getByRole('heading', { name: 'Make a model' }).waitFor();
const [trainer] = page.workers().filter((worker) => worker.url().includes('/trainer-'));
if (trainer === undefined) throw new Error('bench: expected the trainer of the page, got none');
const ort = await page.evaluate(() =>
  performance.getEntriesByType('resource').flatMap(({ name }) => (/\/ort[.-]/.test(name) ? [name] : [])),
);
const address = (pattern: RegExp): string => {
  const found = ort.find((name) => pattern.test(name));
  if (found === undefined) throw new Error(`bench: expected the page to have loaded ${pattern}, got ${ort.join(', ')}`);
  return found;
};

/** In a worker of its own: a runtime has one number of threads for good. */
async function outlook(run: NewRun, threads: number): Promise<Outlook & { seconds: number }> {
  const parts = {
    script: address(/ort\.wasm\.min/),
    loader: address(/ort-wasm-simd-threaded-[^.]*\.m?js/),
    wasm: address(/ort-wasm-simd-threaded-[^.]*\.wasm/),
  };
  return page.evaluate(
    async ({ url, parts, run, threads }) => {
      const worker = new Worker(url, { type: 'module' });
      let next = 0;
      const call = (name: Call['name'], ...args: unknown[]) =>
        new Promise<unknown>((resolve, reject) => {
          const id = next++;
          worker.addEventListener('message', ({ data }: MessageEvent<FromTrainer>) => {
            if (data.type === 'answer' && data.id === id) resolve(data.value);
            if (data.type === 'failed' && data.id === id) reject(new Error(data.message));
          });
          worker.postMessage({ id, name, args });
        });
      const binary = new Uint8Array(await (await fetch(parts.wasm)).arrayBuffer());
      await call('start', { ...parts, binary, threads } satisfies RuntimeParts & { wasm: string });
      const given = { ...run, pixels: Uint8Array.from(run.pixels), labels: Uint8Array.from(run.labels) };
      const before = performance.now();
      const answer = (await call('forecast', given)) as Outlook;
      const seconds = (performance.now() - before) / 1000;
      worker.terminate();
      return { ...answer, seconds };
    },
    { url: trainer?.url() ?? '', parts, run: { ...run, pixels: [...run.pixels], labels: [...run.labels] }, threads },
  ) as Promise<Outlook & { seconds: number }>;
}

/** Seconds of CPU that pages and their workers have had so far. */
async function cpuSeconds(): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

for (const [name, run] of Object.entries(RUNS)) {
  for (const threads of values.threads.split(',').map(Number)) {
    const before = await cpuSeconds();
    const { imagesPerSecond, seconds } = await outlook(run, threads);
    // Of a core, what others left: one thread is never idle meanwhile.
    const share = ((await cpuSeconds()) - before) / seconds;
    console.log(
      `${name}: ${imagesPerSecond.toFixed(1)} images/s, threads: ${threads}, with ${share.toFixed(2)} of a core (${(imagesPerSecond / share).toFixed(0)} a second of CPU); ` +
        `preparing and timing took ${seconds.toFixed(1)} s`,
    );
  }
}
await browser.close();
await site.close();
