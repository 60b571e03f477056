// Where the Node server listens: an address that opens, or one sentence on why it cannot.
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { addressOf, startServer } from '../../edge/node.ts';
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
