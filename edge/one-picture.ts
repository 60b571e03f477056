// The answer of one picture, by whatever it is drawn: a seed or a latent. PNG and SVG, with the parameters that both take.
import type { Context } from 'hono';
import * as z from 'zod';
import { onBackground } from '../contract/background.ts';
import { centred, type Picture, scaleUp } from '../contract/picture.ts';
import { encodePng } from '../contract/png.ts';
import { encodeSvg } from '../contract/svg.ts';
import { answer } from './answer.ts';
import type { Requested } from './lending.ts';
import type { ServedModel } from './models.ts';
import { shared, text } from './parameters.ts';
import { backgroundFor, checkCanvas, checkPixels, keyOf, layoutFor, parseSize, SIZE } from './picture-request.ts';
import { fieldOf } from './problem.ts';
import type { AppEnv, Services } from './services.ts';

export const svgFields = z.object({ scale: shared.scale, background: shared.background });
export const pngFields = z.object({
  scale: shared.scale
    .removeDefault()
    .optional()
    .describe('Each pixel becomes scale × scale pixels. Absent: 1, or as many as the canvas has room for.'),
  canvas: text(3, 9, `^${SIZE}$`)
    .optional()
    .describe(
      'WIDTHxHEIGHT, at least what the picture takes (its own size, times `scale`): the picture is in the middle, white or transparent ' +
        'around it. Absent: its own size.',
    ),
  background: shared.background,
});

const TYPES = { png: 'image/png', svg: 'image/svg+xml', json: 'application/json' } as const;

export interface Drawing {
  extension: keyof typeof TYPES;
  query: { scale?: number | undefined; canvas?: string | undefined; background?: string | undefined };
  /** What decides the pixels, besides the model. */
  key: readonly (string | number)[];
  /** The path of the same picture for another name of the model. */
  path(name: string): string;
  draw(model: ServedModel): Promise<Picture[]>;
  /** The answer as JSON, where there is one. */
  json?(model: ServedModel, picture: Picture): object;
}

export function answerPicture(
  c: Context<AppEnv>,
  services: Services,
  model: Requested,
  { extension, query, key: decisive, path, draw, json }: Drawing,
): Promise<Response> {
  const { entry } = model;
  const { canvas } = query;
  const background = backgroundFor(entry, query.background);
  const asked = canvas === undefined ? undefined : fieldOf('query', 'canvas', () => parseSize(canvas));
  const layout = layoutFor(entry, query.scale, asked);
  const { scale, width, height } = layout;
  if (asked !== undefined) checkCanvas(asked, entry, scale);
  checkPixels(1, layout, canvas === undefined ? 'scale' : 'canvas');
  const key = [entry.hash, extension, ...decisive, scale, ...keyOf(background)];
  if (canvas !== undefined) key.push(`${width}x${height}`);
  return answer(c, services, model, {
    path,
    type: TYPES[extension],
    key,
    async draw(served, timing) {
      const [picture] = await timing.measure('inference', () => draw(served));
      if (picture === undefined) throw new Error('draw: expected one picture, got none');
      return timing.measure('encode', () => {
        switch (extension) {
          case 'png':
            return encodePng(onBackground(centred(scaleUp(picture, scale), width, height), background));
          case 'svg':
            return encodeSvg(onBackground(picture, background), scale);
          case 'json':
            return JSON.stringify(json?.(served, picture));
          default:
            return extension satisfies never;
        }
      });
    },
  });
}
