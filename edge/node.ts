// The same app on Node: bundles from a folder, onnxruntime-web's wasm (or onnxruntime-node), @hono/node-server.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Hono } from 'hono';
import { UserError } from '../contract/errors.ts';
import { createApp } from './app.ts';
import { bundleFolders, folderSource } from './bundles.ts';
import { type BundleSource, type Engine, type Models, openModel, openModels, type ServedModel } from './models.ts';
import { createKeyCheck } from './protect/keys.ts';
import { memoryLimiter } from './protect/rate-limit.ts';
import { nativeEngine } from './runtime/native.ts';
import { onnxruntimeVersion, wasmEngine, wasmMemoryBytes } from './runtime/wasm.ts';
import type { AppEnv, LogRecord } from './services.ts';
import { addPage } from './static.ts';

export interface NodeOptions {
  /** Folder of bundles, or one bundle. */
  models: string;
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
): Promise<ServedModel> {
  const [first, ...rest] = engines;
  if (first === undefined) throw new UserError(`${source.name}: expected an engine that passes its goldens, got none`);
  try {
    return await openModel(source, await first(), Number.POSITIVE_INFINITY);
  } catch (error) {
    if (rest.length === 0) throw error;
    notice(`${source.name}: onnxruntime-node refused, using wasm (${error instanceof Error ? error.message : error})`);
    return openOnFirst(source, rest, notice);
  }
}

export async function createNodeApp(options: NodeOptions): Promise<{ app: Hono<AppEnv>; models: Models }> {
  const sources = bundleFolders(options.models).map(folderSource);
  const engines = options.provider === 'native' ? [nativeEngine, () => wasmEngine()] : [() => wasmEngine()];
  const models = await openModels(sources, (source) => openOnFirst(source, engines, options.notice));
  for (const [name, error] of models.failed) options.notice(`${name} is not served: ${error}`);
  const app = createApp({
    models,
    runtime: {
      name: `node ${process.version}`,
      onnxruntime: onnxruntimeVersion,
      memoryBytes: wasmMemoryBytes,
    },
    keys: createKeyCheck(options.keys),
    limiter: options.perMinute > 0 ? memoryLimiter(options.perMinute, 60) : undefined,
    store: undefined,
    log: options.log,
    client: (c) => getConnInfo(c).remote.address ?? 'unknown',
  });
  if (options.page !== undefined) addPage(app, options.page);
  return { app, models };
}

export interface RunningServer {
  url: string;
  models: Models;
  close(): Promise<void>;
}

/** Opens the models, then listens. Throws UserError if there is no model or the port is taken. */
export async function startServer(options: NodeOptions & { port: number; host: string }): Promise<RunningServer> {
  const { app, models } = await createNodeApp(options);
  const { port, host } = options;
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, port, hostname: host }, () => resolve(listening as Server)) as Server;
    listening.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken
          ? new UserError(`port: expected a free one, got ${port} which is in use; choose another with --port`)
          : error,
      );
    });
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${address.port}`,
    models,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
