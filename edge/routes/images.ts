// GET /v1/images/{model}/{seed}.png|svg|json: one picture, by its seed.
import type { Hono } from 'hono';
import * as z from 'zod';
import { base64 } from '../../contract/base64.ts';
import { latentOf, truncate } from '../../contract/latent.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { generate } from '../models.ts';
import { answerPicture, pngFields, svgFields } from '../one-picture.ts';
import { readQuery, shared } from '../parameters.ts';
import { classFor, namedClass, seedOf } from '../picture-request.ts';
import type { AppEnv, Services } from '../services.ts';

const rawQuery = z.object({ class: shared.class, truncation: shared.truncation });
const svgQuery = rawQuery.extend(svgFields.shape);
const pngQuery = rawQuery.extend(pngFields.shape);

export const imageEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/images/{model}/{seed}.png',
    id: 'imagePng',
    summary: 'One picture. The seed is a number below 2^32 or any text, such as an e-mail address.',
    query: pngQuery,
    answers: { 'image/png': 'The picture.' },
    draws: true,
    example: '/v1/images/fashion-gan/ada@example.com.png?class=coat&scale=8',
  },
  {
    method: 'get',
    path: '/v1/images/{model}/{seed}.svg',
    id: 'imageSvg',
    summary:
      'The same picture as SVG, sharp at any size. A checkerboard’s squares are eight of the picture’s own pixels.',
    query: svgQuery,
    answers: { 'image/svg+xml': 'The picture.' },
    draws: true,
    example: '/v1/images/fashion-gan/7.svg?scale=8',
  },
  {
    method: 'get',
    path: '/v1/images/{model}/{seed}.json',
    id: 'imageJson',
    summary: 'Latent, class, model hash and raw pixels, for clients that draw by themselves.',
    query: rawQuery,
    answers: {
      'application/json':
        'The numbers. `pixels` is base64 of rows of pixels, channels together: grey, RGB or straight RGBA (colours not multiplied by alpha).',
    },
    draws: true,
    example: '/v1/images/fashion-gan/7.json?class=sneaker',
  },
];

export function imageRoutes(app: Hono<AppEnv>, services: Services): void {
  app.get('/v1/images/:model/:file', (c) => {
    const [, , name = '', file = ''] = segmentsOf(c);
    const { stem, extension } = splitFile(file, ['png', 'svg', 'json']);
    return lendNamed(services.models, name, 'path', async (model) => {
      const { entry } = model;
      c.set('pocketgen.model', entry.name);
      const seed = seedOf(stem);
      const url = new URL(c.req.url);
      const absent = { scale: undefined, canvas: undefined, background: undefined };
      const query = { ...absent, ...readQuery({ png: pngQuery, svg: svgQuery, json: rawQuery }[extension], url) };
      const { truncation = entry.defaultTruncation } = query;
      const index = classFor(entry, seed, namedClass(entry, query.class));
      return answerPicture(c, services, model, {
        ...{ extension, query },
        // JSON also tells what the model is called, and its labels, which its version stands for.
        key: [seed, index ?? -1, truncation, ...(extension === 'json' ? [entry.name, entry.version] : [])],
        path: (named) => `/v1/images/${named}/${encodeURIComponent(stem)}.${extension}`,
        draw: (served) => generate(served, [{ seed, class: index, truncation }]),
        json({ manifest: { latent, classes }, hash }, { width, height, channels, data }) {
          return {
            model: entry.name,
            version: entry.version,
            modelHash: hash,
            seed,
            class: index === undefined ? null : { index, label: classes[index] },
            truncation,
            latent: [...truncate(latentOf(seed, latent.size), truncation)],
            image: { width, height, channels },
            pixels: base64(data),
          };
        },
      });
    });
  });
}
