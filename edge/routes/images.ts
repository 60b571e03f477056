// GET /v1/images/{model}/{seed}.png|svg|json: one picture, by its seed.
import type { Hono } from 'hono';
import * as z from 'zod';
import { onBackground } from '../../contract/background.ts';
import { latentOf, truncate } from '../../contract/latent.ts';
import { scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { encodeSvg } from '../../contract/svg.ts';
import { answer } from '../answer.ts';
import { base64 } from '../base64.ts';
import { type Endpoint, segmentsOf, splitFile } from '../endpoint.ts';
import { generate, modelNamed } from '../models.ts';
import { readQuery, shared } from '../parameters.ts';
import { backgroundFor, checkPixels, classFor, keyOf, namedClass, seedOf } from '../picture-request.ts';
import type { AppEnv, Services } from '../services.ts';

const rawQuery = z.object({ class: shared.class, truncation: shared.truncation });
const drawnQuery = rawQuery.extend({ scale: shared.scale, background: shared.background });

export const imageEndpoints: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/images/{model}/{seed}.png',
    id: 'imagePng',
    summary: 'One picture. The seed is a number below 2^32 or any text, such as an e-mail address.',
    query: drawnQuery,
    answers: { 'image/png': 'The picture.' },
    immutable: true,
    example: '/v1/images/fashion-gan/ada@example.com.png?class=coat&scale=8',
  },
  {
    method: 'get',
    path: '/v1/images/{model}/{seed}.svg',
    id: 'imageSvg',
    summary:
      'The same picture as SVG, sharp at any size. A checkerboard’s squares are eight of the picture’s own pixels.',
    query: drawnQuery,
    answers: { 'image/svg+xml': 'The picture.' },
    immutable: true,
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
    immutable: true,
    example: '/v1/images/fashion-gan/7.json?class=sneaker',
  },
];

export function imageRoutes(app: Hono<AppEnv>, services: Services): void {
  app.get('/v1/images/:model/:file', (c) => {
    const [, , name = '', file = ''] = segmentsOf(c);
    const { stem, extension } = splitFile(file, ['png', 'svg', 'json']);
    const model = modelNamed(services.models, name);
    c.set('model', name);
    const seed = seedOf(stem);
    const url = new URL(c.req.url);
    const query =
      extension === 'json'
        ? { scale: 1, background: undefined, ...readQuery(rawQuery, url) }
        : readQuery(drawnQuery, url);
    const { truncation = model.manifest.defaultTruncation, scale } = query;
    const index = classFor(model, seed, namedClass(model, query.class));
    const background = backgroundFor(model, query.background);
    checkPixels(model, 1, scale);
    const key = [model.hash, extension, seed, index ?? -1, truncation, scale, ...keyOf(background)];
    const request = { seed, class: index, truncation };
    return answer(c, services, {
      type: extension === 'png' ? 'image/png' : extension === 'svg' ? 'image/svg+xml' : 'application/json',
      key,
      async draw(timing) {
        const [picture] = await timing.measure('inference', () => generate(model, [request]));
        if (picture === undefined) throw new Error('generate: expected one picture, got none');
        return timing.measure('encode', () => {
          switch (extension) {
            case 'png':
              return encodePng(onBackground(scaleUp(picture, scale), background));
            case 'svg':
              return encodeSvg(onBackground(picture, background), scale);
            case 'json': {
              const { width, height, channels, data } = picture;
              const { latent, classes } = model.manifest;
              return JSON.stringify({
                model: name,
                modelHash: model.hash,
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
}
