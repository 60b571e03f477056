// GET /v1/training/{model}: how far the training of a model is or came, for a page that shows it get better. Node only: nothing
// trains on Workers, where it is a 404.
import type { Hono } from 'hono';
import * as z from 'zod';
import { type Endpoint, segmentsOf } from '../endpoint.ts';
import { readQuery } from '../parameters.ts';
import { badField, Problem } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

export const trainingEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/training/{model}',
    id: 'training',
    summary: 'How the training of a model goes or how it ended, where `pocketgen start` trained it; 404 for any other.',
    answers: {
      'application/json':
        '`{ model, state, images, total, imagesPerSecond, secondsLeft, updated, snapshot, history }`; `snapshot.sha256` is the hash of the model.json served now.',
    },
    example: '/v1/training/fashion-gan',
    onlyTrainedHere: true,
  },
];

export function trainingRoutes(app: Hono<AppEnv>, { training }: Services): void {
  app.get('/v1/training/:model', (c) => {
    readQuery(z.object({}), new URL(c.req.url));
    const name = segmentsOf(c)[2] ?? '';
    const state = training?.(name);
    if (state === undefined) {
      const { fields, message } = badField(
        'path',
        'model',
        `expected one that was trained by this server's pocketgen start, got ${name.slice(0, 60)}`,
      );
      throw new Problem(404, message, fields);
    }
    c.set('pocketgen.model', name);
    return c.json(state, 200, { 'Cache-Control': 'no-store' });
  });
}
