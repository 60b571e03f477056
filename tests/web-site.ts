// A static host for the tests and benches of the page: the built files with the headers that `_headers` asks for, nothing else.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type ListedModel, listedBundle, parseModelList } from '../contract/model-list.ts';
import { PAGE_HEADERS, PAGE_POLICY } from '../web/build/headers.ts';
import { findBundles } from '../web/build/models.ts';
import { MODEL } from './web-harness.ts';

/** Of the page's files, those that nginx's own mime.types knows; for the rest its nginx.conf says application/octet-stream. */
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'application/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** The list of a folder of bundles, or of a built page without all but MODEL. */
async function listed(models: string | undefined, page: string): Promise<ListedModel[]> {
  if (models !== undefined)
    return Promise.all((await findBundles(models)).map(({ manifest }) => listedBundle(manifest, false)));
  const list = parseModelList(JSON.parse(readFileSync(join(page, 'models/index.json'), 'utf8')));
  return list.filter(({ name }) => name === MODEL);
}

export interface Site {
  readonly url: string;
  /** Every request's path and the bytes of its answer's body. */
  readonly log: { path: string; bytes: number }[];
  /** Answers requests itself when it returns true: a slow, broken or missing file. */
  intercept: ((path: string, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Send COOP and COEP as `_headers` says; without them there are no wasm threads. */
  isolated?: boolean;
  /** Send file.br to those who accept it, as `pocketgen serve` does. */
  brotli?: boolean;
  /** Serve under a folder of the host, as project pages do. */
  base?: string;
  /** A folder of bundles to have instead of those that the page was built with. */
  models?: string;
  /** List every bundle that the page was built with; otherwise one, so that no test depends on which others there are. */
  every?: boolean;
}

export async function serveSite(folder: string, options: SiteOptions = {}): Promise<Site> {
  const { isolated = true, brotli = false, base = '/', models, every = false } = options;
  const log: Site['log'] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
    if (site.intercept?.(path, request, response)) return;
    void answer(path, request, response);
  });

  async function answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const inside = path.startsWith(base) ? normalize(path.slice(base.length)) : '..';
    const own = models !== undefined && inside.startsWith('models/');
    const file = own
      ? join(models, inside.slice(7))
      : join(folder, inside === '.' || inside === '' ? 'index.html' : inside);
    if (inside === 'models/index.json' && !every) {
      const list = JSON.stringify(await listed(own ? models : undefined, folder));
      log.push({ path, bytes: list.length });
      response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' }).end(list);
      return;
    }
    if (inside.startsWith('..') || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end('not found');
      return;
    }
    const packed = brotli && (request.headers['accept-encoding'] ?? '').includes('br') && existsSync(`${file}.br`);
    const body = readFileSync(packed ? `${file}.br` : file);
    log.push({ path, bytes: body.length });
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': body.length,
      'Cache-Control': /^assets\//.test(inside) ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(packed ? { 'Content-Encoding': 'br' } : {}),
      'Content-Security-Policy': PAGE_POLICY,
      ...(isolated ? PAGE_HEADERS : {}),
    });
    response.end(body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const site: Site = {
    url: `http://127.0.0.1:${port}${base}`,
    log,
    intercept: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}
