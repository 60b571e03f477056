// GET /healthz, /v1/models and /v1/models/{model}: what is served, and what a client must know about it.
import type { Hono } from 'hono';
import * as z from 'zod';
import { LIMITS } from '../../contract/limits.ts';
import { type Endpoint, segmentsOf } from '../endpoint.ts';
import { modelNamed, type ServedModel } from '../models.ts';
import { readQuery } from '../parameters.ts';
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
      'application/json': '`{ object: "list", data: [{ id, created, title, image, classes, hash }] }`',
    },
    example: '/v1/models',
  },
  {
    method: 'get',
    path: '/v1/models/{model}',
    id: 'model',
    summary: 'A model’s manifest with its class labels, and the limits of requests.',
    answers: { ...json, 'application/json': '`{ id, manifest, limits }` and the fields of the list' },
    example: '/v1/models/fashion-gan',
  },
];

function summary({ manifest, hash, file, created }: ServedModel) {
  const { name, title, description, kind, image, classes, license } = manifest;
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
    variant: file.variant,
    hash,
    license,
  };
}

export function modelRoutes(app: Hono<AppEnv>, { models, runtime }: Services): void {
  app.get('/healthz', (c) => {
    readQuery(nothing, new URL(c.req.url));
    const served = [...models.served.values()].map(({ manifest, file, hash, provider, openMs }) => ({
      name: manifest.name,
      status: 'ok',
      variant: file.variant,
      provider,
      hash,
      openMs: Math.round(openMs),
    }));
    const failed = [...models.failed].map(([name, error]) => ({ name, status: 'failed', error }));
    const status = served.length === 0 ? 'unavailable' : failed.length > 0 ? 'degraded' : 'ok';
    const { name, onnxruntime, memoryBytes } = runtime;
    const body = { status, models: [...served, ...failed], runtime: { name, onnxruntime, memoryBytes: memoryBytes() } };
    return c.json(body, served.length > 0 ? 200 : 503, { 'Cache-Control': 'no-store' });
  });

  app.get('/v1/models', (c) => {
    readQuery(nothing, new URL(c.req.url));
    const data = [...models.served.values()].map(summary);
    return c.json({ object: 'list', data }, 200, { 'Cache-Control': 'no-cache' });
  });

  app.get('/v1/models/:model', (c) => {
    const model = modelNamed(models, segmentsOf(c)[2] ?? '');
    readQuery(nothing, new URL(c.req.url));
    c.set('model', model.manifest.name);
    const body = { ...summary(model), manifest: model.manifest, limits: LIMITS };
    return c.json(body, 200, { 'Cache-Control': 'no-cache' });
  });
}
