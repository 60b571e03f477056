// The Worker: models and ONNX Runtime are part of the script, the first models opened, checked and warm before the first request.
// Its entry, dist/edge/main.ts, is written by edge/build.ts: the imports of the bundles there are, and a call of this.
/// <reference path="./cloudflare.d.ts" />
import { env, waitUntil } from 'cloudflare:workers';
import type { Context } from 'hono';
import { UserError } from '../contract/errors.ts';
import { listedModel } from '../contract/model-list.ts';
import { addressSettings } from './address.ts';
import { pocketgen } from './app.ts';
import { type BundledModel, bundledModels } from './bundled.ts';
import type { ModelEntry, Models } from './models.ts';
import { bindingLimiter } from './protect/rate-limit.ts';
import { wasmEngine } from './runtime/wasm.ts';
import type { AnswerStore, ModelFiles } from './services.ts';
import { beside } from './store/beside.ts';
import { bucketStore } from './store/bucket.ts';
import { publishedModels } from './store/published.ts';
import { modelShelf } from './store/shelved.ts';

/** Goldens checked when a network is opened; Workers allow one second of CPU for the start. `pocketgen verify` checks them all. */
const GOLDENS = 1;

/** The Cache API of this data centre. It works on custom domains; on workers.dev it keeps nothing, so it is not asked. */
function cacheStore(): AnswerStore | undefined {
  if (env.CACHE === 'off') return undefined;
  const { default: cache } = caches as unknown as { default: Cache };
  const address = (c: Context, etag: string) => {
    const url = new URL(c.req.url);
    const usable = url.protocol === 'https:' && !url.hostname.endsWith('.workers.dev');
    return usable || env.CACHE === 'always' ? `${url.origin}/kept/${etag.slice(1, -1)}` : undefined;
  };
  return {
    async find(c, etag) {
      const key = address(c, etag);
      return key === undefined ? undefined : cache.match(key);
    },
    keep(c, etag, response) {
      const key = address(c, etag);
      // Private answers (with API_KEYS) are only read after the key was checked, so they may be kept here as well.
      const copy = new Response(response.body, response);
      copy.headers.set('Cache-Control', 'public, max-age=31536000, immutable');
      if (key !== undefined) c.executionCtx.waitUntil(cache.put(key, copy));
    },
  };
}

/** The bundles' files of the Worker's own models lie in the page's folder. */
function withFiles(own: Models, assets: NonNullable<typeof env.ASSETS>): Models & ModelFiles {
  return {
    ...own,
    pageList: async () => (await own.list()).map((entry) => listedModel(entry, false)),
    async file(name, version, path) {
      const isOwn = (entry: ModelEntry) => entry.name === name && entry.version === version;
      if (version !== undefined && !(await own.list()).some(isOwn)) return undefined;
      const answer = await assets.fetch(`https://assets.local/models/${name}/${path}`);
      const etag = answer.headers.get('ETag') ?? '';
      return answer.ok ? { etag: etag.replace(/^W\/|"/g, ''), body: async () => answer.body ?? undefined } : undefined;
    },
  };
}

/** A variable of the Worker; undefined where it is not set. Throws UserError for what is no number from 0 on. */
function numberIn(name: 'RATE_LIMIT_PER_MINUTE' | 'MODELS_SECONDS'): number | undefined {
  const text = env[name]?.trim();
  if (!text) return undefined;
  const value = Number(text);
  if (!(Number.isFinite(value) && value >= 0))
    throw new UserError(`${name}: expected a number from 0 on, got ${text.slice(0, 60)}`);
  return value;
}

/** `wasm` is ONNX Runtime's module, `webp` that of WebP's decoder. */
export async function createWorker(
  bundles: readonly BundledModel[],
  { wasm, webp }: { wasm: WebAssembly.Module; webp: WebAssembly.Module },
) {
  const perMinute = numberIn('RATE_LIMIT_PER_MINUTE') ?? 600;
  let starting = true; // no request yet that could be kept alive, and what is opened is waited for
  const keepAlive = (work: Promise<unknown>) => starting || waitUntil(work);
  const options = { engine: wasmEngine(wasm), shelf: modelShelf({ keepAlive }), goldens: GOLDENS };
  const bundled = await bundledModels(bundles, options);
  starting = false;
  const own = withFiles(bundled, env.ASSETS ?? { fetch: async () => new Response(null, { status: 404 }) });
  const bucket = env.MODELS && bucketStore(env.MODELS);
  const fresh = numberIn('MODELS_SECONDS');
  const freshMs = fresh === undefined ? undefined : 1000 * fresh;
  const served = bucket === undefined ? own : beside(own, publishedModels(bucket, { ...options, freshMs }));
  return pocketgen({
    ...{ models: served, files: served, webp },
    publishing: bucket && env.PUBLISH_TOKEN ? { to: bucket, tokens: env.PUBLISH_TOKEN } : undefined,
    keys: env.API_KEYS,
    rateLimit: env.RATE_LIMIT && {
      limiter: bindingLimiter(env.RATE_LIMIT, perMinute, 60),
      client: (c) => c.req.header('CF-Connecting-IP') ?? 'local',
    },
    store: cacheStore(),
    log: (record) => console.log(JSON.stringify(record)),
    ...addressSettings(env),
  });
}
