// A real server on this machine for the tests of the client: a folder's files, every request written down, and answers that a test
// puts in the place of one. Also a cache for where there is no Cache Storage.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FileCache } from '../../client/types.ts';

export interface Host {
  /** Ends with a slash. */
  readonly url: string;
  /** Paths asked for, in order, without the first slash. */
  readonly asked: string[];
  /** Answers a request itself when it returns true. */
  instead: ((path: string, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

const TYPES: Record<string, string> = {
  json: 'application/json',
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
};

/** `folder` is looked at for every request. */
export async function serveFolder(folder: string, headers: Record<string, string> = {}): Promise<Host> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname).slice(1);
    asked.push(path);
    if (host.instead?.(path, response)) return;
    const file = join(folder, path);
    if (path.includes('..') || !existsSync(file)) return void response.writeHead(404).end('not found');
    const type = TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type, ...headers }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host: Host = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked,
    instead: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return host;
}

/** What Cache Storage does, in memory. */
export function memoryCache(): FileCache & { readonly kept: Map<string, Response> } {
  const kept = new Map<string, Response>();
  return {
    kept,
    match: async (url) => kept.get(url)?.clone(),
    put: async (url, content) => void kept.set(url, content),
    delete: async (url) => kept.delete(url),
    keys: async () => [...kept.keys()].map((url) => ({ url })),
  };
}
