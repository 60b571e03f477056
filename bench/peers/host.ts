// The bench's side: builds the page of the peers and opens one for each, with the CPU that it takes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { type LaunchOptions, launchBrowser } from '../../tests/browser.ts';
import { serveFolder } from '../../tests/helpers/bundle-host.ts';
import { PAGE_HEADERS } from '../../web/build/headers.ts';
import type { Contest, Peer, Started, WorkName } from './contest.ts';

export interface Contestant {
  readonly started: Started;
  /** Seconds of so many steps: by the clock, and of CPU in all processes that compute for it. */
  run(steps: number): Promise<{ clock: number; cpu: number }>;
}

export interface PeerPages {
  /** In a page of its own. @throws what it failed with, or that it had not made its first step after so many seconds */
  start(peer: Peer, work: WorkName, patience: number): Promise<Contestant>;
  close(): Promise<void>;
}

export async function peerPages(options: LaunchOptions): Promise<PeerPages> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-peers-'));
  await build({
    configFile: false,
    root: resolve('bench/peers'),
    logLevel: 'error',
    base: './',
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      rolldownOptions: { input: resolve('bench/peers/page.ts'), output: { entryFileNames: 'page.js' } },
    },
  });
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><link rel=icon href=data:,><script type=module src=page.js></script>',
  );
  const host = await serveFolder(folder, PAGE_HEADERS);
  const browser = await launchBrowser(options);
  const system = await browser.newBrowserCDPSession();
  const cpuSeconds = async (): Promise<number> => {
    const { processInfo } = await system.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { type, cpuTime }) => sum + (type === 'browser' ? 0 : cpuTime), 0);
  };
  return {
    async start(peer, work, patience) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${host.url}index.html`);
      await page.waitForFunction(() => 'contest' in globalThis);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        void context.close();
      }, 1000 * patience);
      const started = await page
        .evaluate((given) => (globalThis as unknown as { contest: Contest }).contest.start(...given), [
          peer,
          work,
        ] as const)
        .catch(async (error: unknown) => {
          await context.close();
          throw late ? new Error(`no first step within ${patience} s`) : error;
        })
        .finally(() => clearTimeout(timer));
      return {
        started,
        async run(steps) {
          const before = await cpuSeconds();
          const clock = await page.evaluate(
            (n) => (globalThis as unknown as { contest: Contest }).contest.run(n),
            steps,
          );
          return { clock: clock / 1000, cpu: (await cpuSeconds()) - before };
        },
      };
    },
    async close() {
      await browser.close();
      await host.close();
      rmSync(folder, { recursive: true });
    },
  };
}
