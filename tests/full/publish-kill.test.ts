// kill -9 while publishing to a folder that `pocketgen serve` serves. Longer, and on R2 in workerd: `node bench/publish-kill.ts`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../../edge/node.ts';
import { killPublishes } from '../publish-kills.ts';

test('five publishers killed at random moments: readers see the bundle before or the one after, never a mixture', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pocketgen-kill-'));
  const store = join(root, 'store');
  const notices: string[] = [];
  const server = await startServer({
    ...{ models: join(root, 'none'), store, provider: 'wasm', port: 0, host: '127.0.0.1', perMinute: 0 },
    ...{ keys: undefined, log: undefined, page: undefined, notice: (line) => void notices.push(line) },
  });
  try {
    const { before, after, looks, requests } = await killPublishes(5, store, server.url, console.log);
    expect(before + after).toBe(5);
    expect(looks).toBeGreaterThan(10);
    expect(requests).toBeGreaterThan(10);
    expect(notices).toEqual([]);
  } finally {
    await server.close();
    rmSync(root, { recursive: true, force: true });
  }
});
