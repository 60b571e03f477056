// The server of `pocketgen start`, when its process is gone: the training it showed goes on and ends as it would have.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServerProcess } from '../../cli/server-process.ts';

test('a server that has died is neither waited for nor in the way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-server-'));
  writeFileSync(join(folder, 'index.html'), '');
  const said: string[] = [];
  const options = { models: folder, host: 'localhost', port: 0, perMinute: 60, page: folder };
  const server = await startServerProcess(options, (line) => said.push(line));
  await server.refresh();
  process.kill(server.pid, 'SIGKILL');
  await expect
    .poll(() => said.at(-1))
    .toBe('the server has stopped; training goes on, and the same command serves again');
  await server.refresh();
  server.stop();
  rmSync(folder, { recursive: true });
});
