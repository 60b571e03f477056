// The downloader against a real local HTTP server: resume, cut lines, wrong bytes, dead mirrors, kill.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { download, reachableMirrors } from '../../train/data/download.ts';
import type { LoadProgress } from '../../train/data/types.ts';

const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');
const check = (bytes: Uint8Array): void => {
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error('wrong hash');
};

const servers: Server[] = [];
const root = mkdtempSync(join(tmpdir(), 'pocketgen-download-'));
let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(root, { recursive: true });
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Answers ranges as a static file server does; `ranges` records what was asked for. */
function fileHandler(body: Uint8Array, ranges: (string | undefined)[] = []) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    ranges.push(request.headers.range);
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= body.length) return void response.writeHead(416).end();
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : body.subarray(start));
  };
}

const fetchTo = (mirrors: string[]): Promise<void> =>
  download({ mirrors, file: 'data.gz', path: join(folder, 'data.gz'), check });

describe('download', () => {
  test('a file arrives whole, with progress up to its size and no part left', async () => {
    const mirror = await serve(fileHandler(content));
    const seen: number[] = [];
    const onProgress = (progress: LoadProgress): void => {
      expect(progress).toMatchObject({ kind: 'download', total: content.length });
      if (progress.kind === 'download') seen.push(progress.received);
    };
    await download({ mirrors: [mirror], file: 'data.gz', path: join(folder, 'data.gz'), check, onProgress });
    expect(readFileSync(join(folder, 'data.gz')).equals(content)).toBe(true);
    expect(seen.at(-1)).toBe(content.length);
    expect(readdirSync(folder)).toEqual(['data.gz']);
  });

  test('a line cut half way leaves only the part, and the next run asks for the rest alone', async () => {
    const cut = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    await expect(fetchTo([cut])).rejects.toThrow('data.gz: expected a download to succeed');
    expect(readdirSync(folder)).toEqual(['data.gz.part']);
    const have = statSync(join(folder, 'data.gz.part')).size;
    expect(have).toBeGreaterThan(0);

    const ranges: (string | undefined)[] = [];
    await fetchTo([await serve(fileHandler(content, ranges))]);
    expect(ranges).toEqual([`bytes=${have}-`]);
    expect(readFileSync(join(folder, 'data.gz')).equals(content)).toBe(true);
  });

  test('a server that ignores ranges is read from the start', async () => {
    writeFileSync(join(folder, 'data.gz.part'), content.subarray(0, 1000));
    const mirror = await serve((_, response) => response.end(content));
    await fetchTo([mirror]);
    expect(readFileSync(join(folder, 'data.gz')).equals(content)).toBe(true);
  });

  test('a part from another file is thrown away and the download starts again', async () => {
    writeFileSync(join(folder, 'data.gz.part'), randomBytes(1000));
    const ranges: (string | undefined)[] = [];
    await fetchTo([await serve(fileHandler(content, ranges))]);
    expect(ranges).toEqual(['bytes=1000-', undefined]);
    expect(readFileSync(join(folder, 'data.gz')).equals(content)).toBe(true);
  });

  test('a part that is already whole needs no more bytes', async () => {
    writeFileSync(join(folder, 'data.gz.part'), content);
    await fetchTo([await serve(fileHandler(content))]);
    expect(readdirSync(folder)).toEqual(['data.gz']);
  });

  test('a server that closes the connection while the disk is behind does no harm', async () => {
    // As HTTP/1.0 servers do; Node 22's fetch ends the process there (see `request` in download.ts).
    const big = randomBytes(20_000_000);
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), big])));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const mirrors = [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`];
    const path = join(folder, 'data.gz');
    await download({ mirrors, file: 'data.gz', path, check: (bytes) => expect(big.equals(bytes)).toBe(true) });
    expect(statSync(path).size).toBe(big.length);
    server.close();
  });

  test('redirects are followed, but not for ever', async () => {
    const end = await serve(fileHandler(content));
    const once = await serve((_, response) => response.writeHead(302, { location: `${end}data.gz` }).end());
    await fetchTo([once]);
    expect(readdirSync(folder)).toEqual(['data.gz']);
    rmSync(join(folder, 'data.gz'));
    const circle = await serve((request, response) => response.writeHead(302, { location: request.url }).end());
    await expect(fetchTo([circle])).rejects.toThrow('too many redirects');
  });

  test('wrong bytes are refused and leave nothing behind', async () => {
    const mirror = await serve(fileHandler(randomBytes(5000)));
    await expect(fetchTo([mirror])).rejects.toThrow(`${mirror}data.gz: the wrong bytes came`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('the second mirror is used when the first has no such file', async () => {
    const missing = await serve((_, response) => response.writeHead(404).end());
    await fetchTo([missing, await serve(fileHandler(content))]);
    expect(readdirSync(folder)).toEqual(['data.gz']);
  });

  test('a killed download never leaves a file under its final name', async () => {
    const slow = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    });
    const script = `
      import { download } from ${JSON.stringify(new URL('../../train/data/download.ts', import.meta.url).href)};
      await download({ mirrors: [${JSON.stringify(slow)}], file: 'data.gz', path: ${JSON.stringify(join(folder, 'data.gz'))},
        check: () => {}, onProgress: () => console.log('some') });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await new Promise((done) => child.stdout.once('data', done));
    child.kill('SIGINT');
    await new Promise((done) => child.once('exit', done));
    expect(readdirSync(folder).filter((name) => !name.endsWith('.part'))).toEqual([]);
  });
});

describe('reachableMirrors', () => {
  test('the mirror that answers goes first', async () => {
    const good = await serve(fileHandler(content));
    const bad = await serve((_, response) => response.writeHead(500).end());
    expect(await reachableMirrors([bad, good], 'data.gz')).toEqual([good, bad]);
  });

  test('mirrors that accept and then say nothing are given up within 5 seconds, by name', async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const start = performance.now();
    await expect(reachableMirrors([url, url], 'data.gz')).rejects.toThrow(`${new URL(url).host}: no answer within 4 s`);
    expect(performance.now() - start).toBeLessThan(5000);
    silent.close();
  });

  test('a host that does not exist is named with the reason', async () => {
    await expect(reachableMirrors(['http://unreachable.invalid/'], 'data.gz')).rejects.toThrow(
      'expected an answer from a mirror, got none (unreachable.invalid: ',
    );
  });
});
