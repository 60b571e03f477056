// The Worker: models and ONNX Runtime are part of the script, opened, checked and warm before the first request.
// Its entry, dist/edge/main.ts, is written by edge/build.ts: the imports of the bundles there are, and a call of this.
/// <reference path="./cloudflare.d.ts" />
import { env } from 'cloudflare:workers';
import type { Context } from 'hono';
import { addressSettings } from './address.ts';
import { pocketgen } from './app.ts';
import { type BundledModel, bundledModels } from './bundled.ts';
import { bindingLimiter } from './protect/rate-limit.ts';
import { wasmEngine } from './runtime/wasm.ts';
import type { AnswerStore } from './services.ts';

/** Goldens checked while starting; Workers allow one second of CPU for all of it. `pocketgen verify` checks them all. */
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

export async function createWorker(bundles: readonly BundledModel[], wasm: WebAssembly.Module) {
  const perMinute = Number(env.RATE_LIMIT_PER_MINUTE ?? '600');
  return pocketgen({
    models: await bundledModels(bundles, wasmEngine(wasm), GOLDENS),
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
