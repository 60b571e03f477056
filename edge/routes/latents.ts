// GET /v1/latents/{model}.png|svg?z=…: one picture, by the numbers it is drawn from. What a picture that was sent is encoded to,
// and what the page's links hold.
import type { Hono } from 'hono';
import * as z from 'zod';
import { type ClassMix, decodeLatent, encodeLatent, mixWeights } from '../../contract/compact.ts';
import { truncate } from '../../contract/latent.ts';
import { truncationSchema } from '../../contract/manifest.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { answerPicture, pngFields, svgFields } from '../one-picture.ts';
import { readQuery, shared, text } from '../parameters.ts';
import { mixFor } from '../picture-request.ts';
import { fieldOf } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const latentQuery = z.object({
  z: text(1, 8192, '^[A-Za-z0-9_-]+$').describe(
    'The latent, all numbers of it: 16-bit little-endian of each times 4096, in base64url.',
  ),
  class: shared.soleClass,
  classes: shared.classes,
  truncation: z.optional(truncationSchema).describe('Scales the latent. Absent: 1, the numbers as they are.'),
});
const pngQuery = latentQuery.extend(pngFields.shape);
const svgQuery = latentQuery.extend(svgFields.shape);

/** All numbers 0, for a model of 64: the middle of its pictures. */
const MIDDLE = `z=${encodeLatent(new Float32Array(64))}`;

export const latentEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/latents/{model}.png',
    id: 'latentPng',
    summary: 'One picture, by its latent instead of a seed.',
    query: pngQuery,
    answers: { 'image/png': 'The picture.' },
    draws: true,
    example: `/v1/latents/fashion-gan.png?${MIDDLE}&class=coat&scale=8`,
  },
  {
    method: 'get',
    path: '/v1/latents/{model}.svg',
    id: 'latentSvg',
    summary: 'The same picture as SVG.',
    query: svgQuery,
    answers: { 'image/svg+xml': 'The picture.' },
    draws: true,
    example: `/v1/latents/fashion-gan.svg?${MIDDLE}&class=coat&scale=8`,
  },
];

const keyOfMix = (mix: ClassMix): string =>
  [...mix]
    .sort(([a], [b]) => a - b)
    .map(([index, weight]) => `${index}*${weight}`)
    .join(',');

export function latentRoutes(app: Hono<AppEnv>, services: Services): void {
  app.get('/v1/latents/:file', (c) => {
    const { stem, extension } = splitFile(segmentsOf(c)[2] ?? '', ['png', 'svg']);
    return lendNamed(services.models, stem, 'path', async (model) => {
      c.set('pocketgen.model', model.entry.name);
      const query = readQuery({ png: pngQuery, svg: svgQuery }[extension], new URL(c.req.url));
      const manifest = await model.manifest();
      const latent = fieldOf('query', 'z', () => decodeLatent(query.z, manifest.latent.size));
      const mix = mixFor(manifest, query);
      const { truncation = 1 } = query;
      return answerPicture(c, services, model, {
        ...{ extension, query },
        // However it was written. The weights as they are, not on the grid: finer ones draw another picture.
        key: ['z', encodeLatent(latent), keyOfMix(mix), truncation],
        path: (named) => `/v1/latents/${named}.${extension}`,
        draw: ({ generator }) =>
          generator.decode(
            [truncate(latent, truncation)],
            manifest.classes.length > 0 ? [mixWeights(mix, manifest)] : [],
          ),
      });
    });
  });
}
