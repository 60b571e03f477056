// What a page costs while it works: memory, and frames that come late.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';

export const MEASURING = ['--js-flags=--expose-gc', '--enable-precise-memory-info'];

export interface Memory {
  /** Megabytes held by the page's JavaScript, after collection. */
  heap: number;
  /** Megabytes of the renderer process: the page, its workers and their wasm memory. */
  process: number;
}

/** In a browser that was launched with MEASURING. */
export async function memoryOf(browser: Browser, page: Page): Promise<Memory> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  const system = await browser.newBrowserCDPSession();
  const { processInfo } = await system.send('SystemInfo.getProcessInfo');
  await system.detach();
  const resident = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0) / 1000);
  return { heap: usedSize / 1e6, process: resident.reduce((a, b) => a + b, 0) };
}

/** Starts noting the gaps between frames and the main thread's long tasks. */
export function watchFrames(): void {
  const watch = { gaps: [] as number[], long: [] as number[], running: true };
  (globalThis as unknown as { watch: typeof watch }).watch = watch;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) watch.long.push(entry.duration);
  }).observe({ type: 'longtask' });
  let before = performance.now();
  const frame = (now: number) => {
    watch.gaps.push(now - before);
    before = now;
    if (watch.running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

export function watched(): { gaps: number[]; long: number[] } {
  const { watch } = globalThis as unknown as { watch: { gaps: number[]; long: number[]; running: boolean } };
  watch.running = false;
  return watch;
}
