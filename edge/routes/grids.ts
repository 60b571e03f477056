// GET /v1/grids/{model}.png: many seeds on one sheet.
import type { Hono } from 'hono';
import * as z from 'zod';
import { onBackground } from '../../contract/background.ts';
import { LIMITS } from '../../contract/limits.ts';
import { contactSheet, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { parseSeeds } from '../../contract/seed-list.ts';
import { answer } from '../answer.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { generate } from '../models.ts';
import { readQuery, shared, text } from '../parameters.ts';
import { backgroundFor, checkPixels, classFor, keyOf, layoutFor, namedClass } from '../picture-request.ts';
import { fieldOf } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const gridQuery = z.object({
  seeds: text(
    1,
    4096,
    `^[^,]{1,${LIMITS.seedCharacters}}(,[^,]{1,${LIMITS.seedCharacters}}){0,${LIMITS.pictures - 1}}$`,
  ).describe(`Seeds separated by commas; a-b is all numbers from a to b. At most ${LIMITS.pictures}.`),
  columns: z
    .int()
    .min(1)
    .max(LIMITS.pictures)
    .optional()
    .describe('Pictures in a row; fewer seeds make a narrower sheet. Absent: as square as possible.'),
  class: shared.class,
  truncation: shared.truncation,
  scale: shared.scale,
  background: shared.background,
});

export const gridEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/grids/{model}.png',
    id: 'grid',
    summary: 'A sheet of pictures, row by row; cells without one are white, or transparent as the pictures are.',
    query: gridQuery,
    answers: { 'image/png': 'The sheet.' },
    draws: true,
    example: '/v1/grids/fashion-gan.png?seeds=1-64&columns=8&scale=2',
  },
];

export function gridRoutes(app: Hono<AppEnv>, services: Services): void {
  app.get('/v1/grids/:file', (c) => {
    const { stem } = splitFile(segmentsOf(c)[2] ?? '', ['png']);
    return lendNamed(services.models, stem, 'path', async (model) => {
      const { entry } = model;
      c.set('pocketgen.model', entry.name);
      const query = readQuery(gridQuery, new URL(c.req.url));
      const seeds = fieldOf('query', 'seeds', () => parseSeeds(query.seeds, LIMITS.pictures));
      const columns = query.columns ?? Math.ceil(Math.sqrt(seeds.length));
      const named = namedClass(entry, query.class);
      const background = backgroundFor(entry, query.background);
      const across = Math.min(columns, seeds.length);
      checkPixels(across * Math.ceil(seeds.length / across), layoutFor(entry, query.scale, undefined), 'scale');
      const { truncation = entry.defaultTruncation, scale } = query;
      const requests = seeds.map((seed) => ({ seed, class: classFor(entry, seed, named), truncation }));
      const cells = requests.flatMap((r) => [r.seed, r.class ?? -1]);
      return answer(c, services, model, {
        path: (named) => `/v1/grids/${named}.png`,
        type: 'image/png',
        key: [entry.hash, 'grid', columns, truncation, scale, ...cells, ...keyOf(background)],
        async draw(served, timing) {
          const pictures = await timing.measure('inference', () => generate(served, requests));
          return timing.measure('encode', () => {
            const sheet = scaleUp(contactSheet(pictures, columns), scale);
            return encodePng(onBackground(sheet, background));
          });
        },
      });
    });
  });
}
