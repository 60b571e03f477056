// On Node: models from a folder that is watched, onnxruntime-web's wasm (or onnxruntime-node), @hono/node-server.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, Hono } from 'hono';
import { UserError } from '../contract/errors.ts';
import type { AddressOptions } from './address.ts';
import { pocketgen } from './app.ts';
import { modelFolders } from './bundles.ts';
import { type Library, openLibrary } from './library.ts';
import { type Beside, type BundleSource, type Engine, type Models, openWhole, type ServedModel } from './models.ts';
import { webpModule } from './pictures/webp-file.ts';
import { memoryLimiter } from './protect/rate-limit.ts';
import { nativeEngine } from './runtime/native.ts';
import { wasmEngine } from './runtime/wasm.ts';
import type { AppEnv, LogRecord } from './services.ts';
import { addPage } from './static.ts';
import { beside } from './store/beside.ts';
import { folderStore } from './store/folder.ts';
import { publishedModels } from './store/published.ts';
import { modelShelf } from './store/shelved.ts';

/** How often the models folder is looked at. */
const WATCH_MS = 1000;
/** Bytes of memory for published models that are open. */
const ROOM = 256 * 2 ** 20;
/** Node's own 16 KiB are less than the longest list of seeds, whose characters may take twelve bytes each in an address. */
const HEADER_BYTES = 65_536;

export interface NodeOptions extends AddressOptions {
  /** Folder of bundles, or one bundle. */
  models: string;
  /** Folder that `pocketgen publish` publishes to; its models are served beside those. */
  store?: string | undefined;
  /** Tokens, separated by commas, with which one may publish to `store` over HTTP; undefined or empty: nobody may. */
  publishTokens?: string | undefined;
  provider: 'wasm' | 'native';
  /** Requests a client may make in a minute; 0 for no limit. */
  perMinute: number;
  /** Bearer keys separated by commas; undefined or empty: no keys. */
  keys: string | undefined;
  log: ((record: LogRecord) => void) | undefined;
  /** The built page; served at / if it is there. */
  page: string | undefined;
  /** Told what a user should know: a provider refused, a model not served. */
  notice(message: string): void;
}

/** Opens a bundle on the first engine that gives its goldens (all are compared), and tells why others were refused. */
export async function openOnFirst(
  source: BundleSource,
  engines: readonly (() => Promise<Engine> | Engine)[],
  notice: (message: string) => void,
): Promise<ServedModel & Beside> {
  const [first, ...rest] = engines;
  if (first === undefined) throw new UserError(`${source.name}: expected an engine that passes its goldens, got none`);
  try {
    return await openWhole(source, await first(), Number.POSITIVE_INFINITY);
  } catch (error) {
    if (rest.length === 0) throw error;
    notice(`${source.name}: onnxruntime-node refused, using wasm (${error instanceof Error ? error.message : error})`);
    return openOnFirst(source, rest, notice);
  }
}

export { folderStore, webpModule };

export interface FolderOptions {
  /** `native` is onnxruntime-node; a bundle whose goldens it misses is opened on wasm. */
  provider?: 'wasm' | 'native' | undefined;
  /** Told what a user should know: a provider refused, a bundle not served. Absent: standard error. */
  notice?: ((message: string) => void) | undefined;
}

/**
 * The bundles of a folder, or the one that `folder` is, all of whose goldens are compared when they are opened. The folder is
 * looked at again every second, until `close()`: what appears, is replaced or removed is taken over without a restart.
 */
export async function folderModels(folder: string, options: FolderOptions = {}): Promise<Library> {
  const { notice = console.error } = options;
  if (modelFolders(folder).length === 0)
    notice(`${folder}: expected model bundles, got none; what pocketgen export puts there is served without a restart`);
  return watchedModels(folder, { ...options, notice });
}

async function watchedModels(
  folder: string,
  { provider, notice }: FolderOptions & Pick<NodeOptions, 'notice'>,
): Promise<Library> {
  const engines = provider === 'native' ? [nativeEngine, () => wasmEngine()] : [() => wasmEngine()];
  const library = await openLibrary({ folder, open: (source) => openOnFirst(source, engines, notice), notice });
  library.watch(WATCH_MS);
  return library;
}

/** Who is asking: the address that the nearest proxy was asked from, where one is trusted, else that of the connection. */
function clientOf(trustForwarded: boolean | undefined): (c: Context) => string {
  const connected = (c: Context) => getConnInfo(c).remote.address ?? 'unknown';
  if (!trustForwarded) return connected;
  return (c) => c.req.header('X-Forwarded-For')?.split(',').at(-1)?.trim() || connected(c);
}

/** The app of `pocketgen serve`: the API and the page on a models folder, which is watched until `library.close()`. */
export async function createNodeApp(
  options: NodeOptions,
): Promise<{ app: Hono<AppEnv>; models: Models; library: Library }> {
  const { models: folder, provider, notice, perMinute, keys, log, page, publicUrl, trustForwarded } = options;
  const { store: storeFolder, publishTokens } = options;
  const library = await watchedModels(folder, { provider, notice });
  const store = storeFolder === undefined ? undefined : folderStore(storeFolder);
  // Published models are drawn on wasm, so that theirs are the pictures of every other server.
  const published = { engine: wasmEngine(), shelf: modelShelf({ room: ROOM }), freshMs: WATCH_MS };
  const served = store === undefined ? library : beside(library, publishedModels(store, published));
  try {
    const app = pocketgen({
      ...{ models: served, files: served, training: library.training },
      publishing: store && publishTokens ? { to: store, tokens: publishTokens } : undefined,
      ...{ keys, log, publicUrl, trustForwarded },
      webp: await webpModule(),
      rateLimit:
        perMinute > 0 ? { limiter: memoryLimiter(perMinute, 60), client: clientOf(trustForwarded) } : undefined,
    });
    if (page !== undefined && !addPage(app, page))
      notice(`page at /: expected it in ${page}, got none; npm run build makes it`);
    return { app, models: served, library };
  } catch (error) {
    library.close(); // or its watch keeps the program running
    throw error;
  }
}

export interface RunningServer {
  url: string;
  models: Models;
  /** Takes over what is in the models folder now, without the wait. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** The address as a browser takes it: of every network, the one for this machine; IPv6 in brackets. */
export function addressOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

/** What keeps a server from listening, by the system's code. */
function refusal(code: string | undefined, host: string, port: number): UserError | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return new UserError(`port: expected a free one, got ${port} which is in use; choose another with --port`);
    case 'EACCES':
      return new UserError(`port: expected one that you may listen on, got ${port}; choose one above 1023 with --port`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`host: expected an address of this machine, got ${host}; use localhost or 0.0.0.0`);
    default:
      return undefined;
  }
}

/** Opens the models, then listens. Throws UserError if it cannot listen there. */
export async function startServer(options: NodeOptions & { port: number; host: string }): Promise<RunningServer> {
  const { app, models, library } = await createNodeApp(options);
  const { port, host } = options;
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = serve(
      { fetch: app.fetch, port, hostname: host, serverOptions: { maxHeaderSize: HEADER_BYTES } },
      () => resolve(listening as Server),
    ) as Server;
    listening.once('error', (error: NodeJS.ErrnoException) => {
      library.close();
      reject(refusal(error.code, host, port) ?? error);
    });
  });
  const address = server.address() as AddressInfo;
  return {
    url: addressOf(host, address.port),
    models,
    async refresh() {
      await library.look();
      await library.look();
    },
    close: () =>
      new Promise((resolve) => {
        library.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
