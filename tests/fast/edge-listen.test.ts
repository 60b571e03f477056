// Where the Node server listens: an address that opens, or one sentence on why it cannot.

import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runServe } from '../../cli/commands/serve.ts';
import { addressOf, folderModels, startServer } from '../../edge/node.ts';
import { tinyFolder } from './edge-services.ts';

let blocker: Server | undefined;
afterEach(() => blocker?.close());

const options = (models: string, host: string, port: number) => ({
  models,
  host,
  port,
  provider: 'wasm' as const,
  perMinute: 0,
  keys: undefined,
  log: undefined,
  page: undefined,
  notice: () => expect.fail('no notice expected'),
});

test('the address printed is one that a browser opens', async () => {
  expect(addressOf('0.0.0.0', 80)).toBe('http://localhost:80');
  expect(addressOf('192.168.1.2', 8787)).toBe('http://192.168.1.2:8787');
  const tiny = await tinyFolder();
  const server = await startServer(options(tiny.folder, '::1', 0));
  expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await server.close();
  tiny.remove();
});

test('a port in use and an address of another machine are one sentence', async () => {
  const tiny = await tinyFolder();
  const port = await new Promise<number>((resolve) => {
    blocker = createServer().listen(0, '127.0.0.1', function (this: Server) {
      const address = this.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await expect(startServer(options(tiny.folder, '127.0.0.1', port))).rejects.toThrow(
    `port: expected a free one, got ${port} which is in use; choose another with --port`,
  );
  await expect(startServer(options(tiny.folder, '192.0.2.1', 0))).rejects.toThrow(
    'host: expected an address of this machine, got 192.0.2.1; use localhost or 0.0.0.0',
  );
  tiny.remove();
});

test('serve without a bundle says where it has looked, before it listens', async () => {
  const flags = { port: 0, host: 'localhost', provider: 'wasm', rateLimit: 0 } as const;
  for (const models of ['/nowhere/at-all', 'tests', 'README.md'])
    await expect(runServe({ ...flags, models })).rejects.toThrow(
      `${models}: expected model bundles (folders with a model.json), got none; run pocketgen export, or npm start`,
    );
});

test('an app of one’s own is told of a folder without bundles, and serves what comes', async () => {
  const tiny = await tinyFolder();
  const [empty, notices] = [join(tiny.folder, 'empty'), [] as string[]];
  mkdirSync(empty);
  for (const folder of [empty, join(tiny.folder, 'none'), tiny.folder])
    (await folderModels(folder, { notice: (message) => void notices.push(message) })).close();
  expect(notices).toEqual(
    [empty, join(tiny.folder, 'none')].map(
      (folder) =>
        `${folder}: expected model bundles, got none; what pocketgen export puts there is served without a restart`,
    ),
  );
  tiny.remove();
});

test('a page that has not been built is told of, and how to build it; the API is served', async () => {
  const tiny = await tinyFolder();
  const notices: string[] = [];
  const server = await startServer({
    ...options(tiny.folder, 'localhost', 0),
    page: join(tiny.folder, 'web'),
    notice: (message) => void notices.push(message),
  });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(notices).toEqual([`page at /: expected it in ${join(tiny.folder, 'web')}, got none; npm run build makes it`]);
  await server.close();
  tiny.remove();
});
