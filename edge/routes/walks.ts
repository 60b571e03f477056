// GET /v1/walks/{model}.gif|apng: a film from one seed's picture to another's.
import type { Hono } from 'hono';
import * as z from 'zod';
import { encodeApng } from '../../contract/apng.ts';
import { onBackground } from '../../contract/background.ts';
import { encodeGif } from '../../contract/gif.ts';
import { latentOf, oneHot, truncate } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { blend, slerp, steps } from '../../contract/walk.ts';
import { answer } from '../answer.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { inBatches, type ServedModel } from '../models.ts';
import { readQuery, shared, text } from '../parameters.ts';
import { backgroundFor, checkPixels, classFor, keyOf, layoutFor, namedClass, seedOf } from '../picture-request.ts';
import type { AppEnv, Services } from '../services.ts';

const seedText = text(1, LIMITS.seedCharacters);
const walkQuery = z.object({
  from: seedText.describe('The seed of the first frame.'),
  to: seedText.describe('The seed of the last frame.'),
  frames: z.int().min(2).max(LIMITS.frames).default(24),
  fps: z.int().min(1).max(LIMITS.fps).default(12).describe('GIF rounds the delay to hundredths of a second.'),
  class: shared.class,
  toClass: shared.class.describe('The class of the last frame. Absent: `class`, else the one the seed chooses.'),
  truncation: shared.truncation,
  scale: shared.scale,
  background: shared.background,
});

const about = { method: 'get', query: walkQuery, draws: true } as const;
export const walkEndpoints: readonly Endpoint[] = [
  {
    ...about,
    path: '/v1/walks/{model}.gif',
    id: 'walkGif',
    summary: 'A walk between two seeds (spherical interpolation), repeated for ever.',
    answers: {
      'image/gif':
        'The film; 256 levels of grey, or 256 colours a frame. A pixel is seen or not: transparent below alpha 128.',
    },
    example: '/v1/walks/fashion-gan.gif?from=1&to=2&class=dress&toClass=coat&scale=4',
  },
  {
    ...about,
    path: '/v1/walks/{model}.apng',
    id: 'walkApng',
    summary: 'The same walk as animated PNG, exact in every channel, alpha too.',
    answers: { 'image/apng': 'The film.' },
    example: '/v1/walks/fashion-gan.apng?from=1&to=2&frames=12&scale=4',
  },
];

interface End {
  seed: number;
  class: number | undefined;
}

export async function drawWalk(
  model: ServedModel,
  from: End,
  to: End,
  frames: number,
  truncation: number,
): Promise<Picture[]> {
  const { latent, classes } = model.manifest;
  const [a, b] = [from, to].map(({ seed }) => truncate(latentOf(seed, latent.size), truncation));
  if (a === undefined || b === undefined) throw new Error('walk: expected two ends');
  const weights = [from, to].map((end) => oneHot(end.class ?? 0, classes.length));
  return inBatches(steps(frames), (some) =>
    model.generator.decode(
      some.map((t) => slerp(a, b, t)),
      classes.length > 0 ? some.map((t) => blend(weights[0] ?? a, weights[1] ?? b, t)) : [],
    ),
  );
}

export function walkRoutes(app: Hono<AppEnv>, services: Services): void {
  app.get('/v1/walks/:file', (c) => {
    const { stem, extension } = splitFile(segmentsOf(c)[2] ?? '', ['gif', 'apng']);
    return lendNamed(services.models, stem, 'path', async (model) => {
      const { entry } = model;
      c.set('pocketgen.model', entry.name);
      const query = readQuery(walkQuery, new URL(c.req.url));
      const { frames, fps, truncation = entry.defaultTruncation, scale } = query;
      const [fromSeed, toSeed] = [seedOf(query.from, 'query', 'from'), seedOf(query.to, 'query', 'to')];
      const fromNamed = namedClass(entry, query.class);
      const toNamed = namedClass(entry, query.toClass, 'toClass') ?? fromNamed;
      const from = { seed: fromSeed, class: classFor(entry, fromSeed, fromNamed) };
      const to = { seed: toSeed, class: classFor(entry, toSeed, toNamed) };
      const background = backgroundFor(entry, query.background);
      checkPixels(frames, layoutFor(entry, scale, undefined), 'scale');
      const ends = [from.seed, from.class ?? -1, to.seed, to.class ?? -1];
      return answer(c, services, model, {
        path: (named) => `/v1/walks/${named}.${extension}`,
        type: `image/${extension}`,
        key: [entry.hash, extension, ...ends, frames, fps, truncation, scale, ...keyOf(background)],
        async draw(served, timing) {
          const pictures = await timing.measure('inference', () => drawWalk(served, from, to, frames, truncation));
          return timing.measure('encode', () => {
            const large = pictures.map((picture) => onBackground(scaleUp(picture, scale), background));
            return extension === 'gif' ? encodeGif(large, fps) : encodeApng(large, fps);
          });
        },
      });
    });
  });
}
