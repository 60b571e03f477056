// GET /v1/images/{model}/{seed}.png|svg|json: one picture, by its seed.
import type { Hono } from 'hono';
import * as z from 'zod';
import { onBackground } from '../../contract/background.ts';
import { latentOf, truncate } from '../../contract/latent.ts';
import { centred, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { encodeSvg } from '../../contract/svg.ts';
import { answer } from '../answer.ts';
import { base64 } from '../base64.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { generate } from '../models.ts';
import { readQuery, shared, text } from '../parameters.ts';
import {
  backgroundFor,
  checkPixels,
  classFor,
  keyOf,
  layoutFor,
  namedClass,
  parseSize,
  SIZE,
  seedOf,
} from '../picture-request.ts';
import { fieldOf } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const rawQuery = z.object({ class: shared.class, truncation: shared.truncation });
const svgQuery = rawQuery.extend({ scale: shared.scale, background: shared.background });
const pngQuery = rawQuery.extend({
  scale: shared.scale
    .removeDefault()
    .optional()
    .describe('Each pixel becomes scale × scale pixels. Absent: 1, or as many as the canvas has room for.'),
  canvas: text(3, 9, `^${SIZE}$`)
    .optional()
    .describe('WIDTHxHEIGHT: the picture is in the middle, white or transparent around it. Absent: its own size.'),
  background: shared.background,
});

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
      const { truncation = entry.defaultTruncation, canvas } = query;
      const index = classFor(entry, seed, namedClass(entry, query.class));
      const background = backgroundFor(entry, query.background);
      const layout = layoutFor(
        entry,
        query.scale,
        canvas === undefined ? undefined : fieldOf('query', 'canvas', () => parseSize(canvas)),
      );
      const { scale, width, height } = layout;
      checkPixels(1, layout, canvas === undefined ? 'scale' : 'canvas');
      const key = [entry.hash, extension, seed, index ?? -1, truncation, scale, ...keyOf(background)];
      if (canvas !== undefined) key.push(`${width}x${height}`);
      const request = { seed, class: index, truncation };
      return answer(c, services, model, {
        path: (named) => `/v1/images/${named}/${encodeURIComponent(stem)}.${extension}`,
        type: extension === 'png' ? 'image/png' : extension === 'svg' ? 'image/svg+xml' : 'application/json',
        key,
        async draw(served, timing) {
          const [picture] = await timing.measure('inference', () => generate(served, [request]));
          if (picture === undefined) throw new Error('generate: expected one picture, got none');
          return timing.measure('encode', () => {
            switch (extension) {
              case 'png':
                return encodePng(onBackground(centred(scaleUp(picture, scale), width, height), background));
              case 'svg':
                return encodeSvg(onBackground(picture, background), scale);
              case 'json': {
                const { channels, data } = picture;
                const { latent, classes } = served.manifest;
                return JSON.stringify({
                  model: entry.name,
                  version: entry.version,
                  modelHash: served.hash,
                  seed,
                  class: index === undefined ? null : { index, label: classes[index] },
                  truncation,
                  latent: [...truncate(latentOf(seed, latent.size), truncation)],
                  image: { width, height, channels },
                  pixels: base64(data),
                });
              }
              default:
                return extension satisfies never;
            }
          });
        },
      });
    });
  });
}
