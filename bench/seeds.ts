// How many seeds a browser's WebGPU draws otherwise than wasm does: `npm run bench:seeds -- models/fashion-gan [--count 10000] [--minutes 10]`.
// The adapter is Chromium's software one unless --hardware is given; the client library draws, as on a page. --native: the same
// kernels in Node, on the Vulkan driver that VK_DRIVER_FILES names: /usr/lib/chromium/vk_swiftshader_icd.json is the browser's
// software one, /usr/share/vulkan/icd.d/lvp_icd.json Mesa's (mesa-vulkan-drivers of Debian 13 or bookworm-backports; 22.3 is
// too old), some seven times as fast. Both need libvulkan1.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type * as OnnxRuntime from 'onnxruntime-web';
import type { Page } from 'playwright-core';
import { classOf, latentOf, oneHot } from '../contract/latent.ts';
import { generatorFile } from '../contract/lookup.ts';
import { toPictures } from '../contract/pixels.ts';
import { openBundle } from '../export/open.ts';
import { createSession, Tensor } from '../train/engines/onnxruntime.ts';
import { type ClientPages, clientPages } from './client-page.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '10000' },
    first: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '10' },
    hardware: { type: 'boolean', default: false },
    native: { type: 'boolean', default: false },
  },
});
const folder = positionals[0] ?? 'models/fashion-gan';
const [first, count] = [Number(values.first), Number(values.count)];
/** A larger one is no faster on a software adapter: 256 were not done in 20 minutes. */
const BATCH = 16;

const { manifest, generator, close } = await openBundle(folder);
const { path } = generatorFile(manifest);

/** What the device ladder makes of WebGPU here: it is given 45 seconds to start, and the bundle's goldens to draw. */
const ladder = (page: Page) =>
  page.evaluate(async () => {
    const { open } = (await import('/client/index.js' as string)) as typeof import('../client/index.ts');
    const model = await open('/bundle/', { device: 'webgpu', cache: false });
    const { provider, verdicts } = model.device;
    await model.dispose();
    const info = (await navigator.gpu.requestAdapter())?.info;
    return { provider, verdicts, adapter: `${info?.vendor} ${info?.architecture}` };
  });

/** A session of WebGPU that may take as long as it wants, kept in the page. */
const started = (page: Page, path: string) =>
  page.evaluate(async (address) => {
    const ort = (await import('/client/ort.jspi.min.mjs' as string)) as typeof OnnxRuntime;
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = '/client/';
    const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
    const before = performance.now();
    const session = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'] });
    const run = async (inputs: Record<string, [number[], number[]]>, output: string) => {
      const tensors = Object.entries(inputs).map(
        ([name, [values, dims]]) => [name, new ort.Tensor('float32', Float32Array.from(values), dims)] as const,
      );
      const results = await session.run(Object.fromEntries(tensors));
      return Array.from((await results[output]?.getData()) as Float32Array);
    };
    Object.assign(globalThis, { run });
    return (performance.now() - before) / 1000;
  }, `/bundle/${path}`);

type Run = (inputs: Record<string, [number[], number[]]>, output: string) => Promise<number[]>;

async function inPage(pages: ClientPages): Promise<Run> {
  const page = await pages.page();
  const { provider, verdicts, adapter } = await ladder(page);
  console.log(`${manifest.name} on ${adapter}: the device ladder takes ${provider}`);
  for (const { provider: one, levels, reason, detail } of verdicts)
    console.log(`  ${one}: ${reason ?? `within ${levels} level(s) of the goldens`}${detail ? `, ${detail}` : ''}`);
  const seconds = await started(page, path);
  console.log(`a session of its own after ${seconds.toFixed(1)} s`);
  return (inputs, output) =>
    page.evaluate(([asked, name]) => (globalThis as unknown as { run: Run }).run(asked, name), [
      inputs,
      output,
    ] as const);
}

async function inNode(): Promise<Run> {
  const session = await createSession(readFileSync(join(folder, path)), { executionProviders: ['webgpu'] });
  return async (inputs, output) => {
    const tensors = Object.entries(inputs).map(
      ([name, [values, dims]]) => [name, new Tensor('float32', Float32Array.from(values), dims)] as const,
    );
    return Array.from((await session.run(Object.fromEntries(tensors)))[output]?.data as Float32Array);
  };
}

const pages = values.native ? undefined : await clientPages(folder, values.hardware ? {} : { webgpu: true });
const run = pages ? await inPage(pages) : await inNode();
const end = performance.now() + 60_000 * Number(values.minutes);
const { latent, classes, image, inputs, output } = manifest;
const otherwise: string[] = [];
let [done, same, oneLevel] = [0, 0, 0];
while (done < count && performance.now() < end) {
  const seeds = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => first + done + i);
  const weights = seeds.map((seed) => oneHot(classOf(seed, classes.length), classes.length));
  const given: Parameters<Run>[0] = {
    [inputs.latent.name]: [seeds.flatMap((seed) => [...latentOf(seed, latent.size)]), [seeds.length, latent.size]],
  };
  if (inputs.classWeights)
    given[inputs.classWeights.name] = [weights.flatMap((one) => [...one]), [seeds.length, classes.length]];
  const made = await run(given, output.name);
  const got = toPictures(Float32Array.from(made), seeds.length, image);
  const expected = await generator.generate(
    seeds.map((seed) => ({
      seed,
      class: classes.length > 0 ? classOf(seed, classes.length) : undefined,
      truncation: 1,
    })),
  );
  for (const [i, { data }] of expected.entries()) {
    const most = data.reduce((largest, level, k) => Math.max(largest, Math.abs(level - (got[i]?.data[k] ?? 999))), 0);
    if (most === 0) same++;
    else if (most === 1) oneLevel++;
    else otherwise.push(`${seeds[i]} by ${most}`);
  }
  done += seeds.length;
  console.log(`${done} seeds: ${same} the same bytes, ${oneLevel} within one level, ${otherwise.length} further apart`);
}
console.log(
  `${done} seeds from ${first} on, WebGPU against wasm: ${same} the same bytes, ${oneLevel} within one level, ` +
    `${otherwise.length} further apart${otherwise.length > 0 ? `: ${otherwise.join(', ')}` : ''}`,
);
await pages?.close();
await close();
