// GET /healthz, /v1/models and /v1/models/{model}: what is served, and what a client must know about it.
import type { Hono } from 'hono';
import { getRuntimeKey } from 'hono/adapter';
import * as z from 'zod';
import { LIMITS } from '../../contract/limits.ts';
import { versionedName } from '../../contract/version.ts';
import { type Endpoint, segmentsOf } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import type { ModelEntry } from '../models.ts';
import { readQuery } from '../parameters.ts';
import { onnxruntimeVersion, wasmMemoryBytes } from '../runtime/wasm.ts';
import type { AppEnv, Services } from '../services.ts';

const nothing = z.object({});

const json = { 'application/json': '' };

export const modelEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/healthz',
    id: 'health',
    summary: 'Whether the models are loaded, checked and warm; 503 when none is.',
    answers: { 'application/json': '`{ status, models, runtime }`' },
    example: '/healthz',
  },
  {
    method: 'get',
    path: '/v1/models',
    id: 'models',
    summary: 'The models served, in the list shape of OpenAI’s API.',
    answers: {
      ...json,
      'application/json':
        '`{ object: "list", data: [{ id, created, title, image, classes, version, hash, pictures }] }`; `pictures` is the address of one, with `{seed}` in it.',
    },
    example: '/v1/models',
  },
  {
    method: 'get',
    path: '/v1/models/{model}',
    id: 'model',
    summary: 'A model’s manifest with its class labels, its version, and the limits of requests.',
    answers: {
      ...json,
      'application/json':
        '`{ id, encoder, completer, manifest, limits }` and the fields of the list; `encoder` says whether pictures can be sent to it, `completer` whether it completes them.',
    },
    example: '/v1/models/fashion-gan',
  },
];

/** `base`: the API's address. */
function summary(entry: ModelEntry, base: string) {
  const { name, version, title, description, kind, image, classes, license, variant, hash, created } = entry;
  return {
    id: name,
    object: 'model',
    created,
    owned_by: 'pocketgen',
    title,
    description,
    kind,
    image,
    classes,
    version,
    variant,
    hash,
    pictures: `${base}/v1/images/${versionedName(name, version)}/{seed}.png`,
    license,
  };
}

/** `workerd`, or Node with its version. */
function runtimeName(): string {
  const key = getRuntimeKey();
  return key === 'node' ? `node ${process.version}` : key;
}

export function modelRoutes(app: Hono<AppEnv>, { models, addresses }: Services): void {
  app.get('/healthz', async (c) => {
    readQuery(nothing, new URL(c.req.url));
    const served = (await models.list()).map(({ name, version, variant, hash, opened }) => ({
      ...{ name, version, status: 'ok', variant, hash, open: opened !== undefined },
      ...(opened && { provider: opened.provider, openMs: Math.round(opened.openMs) }),
    }));
    const failed = [...models.failed()].map(([name, error]) => ({ name, status: 'failed', error }));
    const status = served.length === 0 ? 'unavailable' : failed.length > 0 ? 'degraded' : 'ok';
    const runtime = { name: runtimeName(), onnxruntime: onnxruntimeVersion, memoryBytes: wasmMemoryBytes() };
    const body = { status, models: [...served, ...failed], runtime };
    return c.json(body, served.length > 0 ? 200 : 503, { 'Cache-Control': 'no-store' });
  });

  app.get('/v1/models', async (c) => {
    readQuery(nothing, new URL(c.req.url));
    const base = addresses.absolute(c);
    const data = (await models.list()).map((entry) => summary(entry, base));
    return c.json({ object: 'list', data }, 200, { 'Cache-Control': 'no-cache' });
  });

  app.get('/v1/models/:model', (c) =>
    lendNamed(models, segmentsOf(c)[2] ?? '', 'path', async ({ entry, manifest }) => {
      readQuery(nothing, new URL(c.req.url));
      c.set('pocketgen.model', entry.name);
      const whole = await manifest();
      const encoder = whole.encoder !== undefined;
      const completer = whole.completer !== undefined;
      const body = { ...summary(entry, addresses.absolute(c)), encoder, completer, manifest: whole, limits: LIMITS };
      return c.json(body, 200, { 'Cache-Control': 'no-cache' });
    }),
  );
}
