// POST /v1/complete/{model}: a picture and a mask to the picture with the masked part drawn anew, for models with a completer.
// Both are decoded here, within limits, and kept nowhere.
import type { Hono } from 'hono';
import * as z from 'zod';
import { mixWeights } from '../../contract/compact.ts';
import { checkMaskSize, hiddenOf } from '../../contract/completer.ts';
import { UserError } from '../../contract/errors.ts';
import { fitOf, intake, uprightSize } from '../../contract/intake.ts';
import { latentOf, truncate } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { type Endpoint, segmentsOf } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { colour, readAtMost, readQuery, shared, text } from '../parameters.ts';
import { checkPixels, layoutFor, mixFor, seedOf } from '../picture-request.ts';
import type { Decoded, PictureDecoder } from '../pictures/decode.ts';
import { badField, fieldOf, Problem } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const completeQuery = z.object({
  seed: text(1, LIMITS.seedCharacters).default('1').describe('Of what is drawn: a number or any text.'),
  class: shared.class.describe(
    'What the picture is of: a class label, in any case, or its index. Absent: as the rest of it suggests.',
  ),
  classes: shared.classes,
  truncation: shared.truncation,
  scale: shared.scale,
  background: colour
    .optional()
    .describe(
      'What transparent places of the picture lie on, for a model of opaque pictures. Absent: as it was trained.',
    ),
});

const FORM = 'multipart/form-data';
const FILES = ['picture', 'mask'] as const;

export const completeEndpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/complete/{model}',
    id: 'complete',
    summary:
      `A picture of which a part is drawn anew. The body is a form (${FORM}) with the files \`picture\` and \`mask\`, each PNG, JPEG or WebP of at most ` +
      `${LIMITS.uploadPixels} pixels and ${LIMITS.uploadSide} a side, ${LIMITS.uploadBytes} bytes together. The mask has the picture’s size: what is light in it is drawn, what is dark or ` +
      'transparent stays as it is. Both are cropped and resized as the model’s training pictures were. 404 for a model that completes no pictures.',
    query: completeQuery,
    form: FILES,
    needs: 'completer',
    answers: { 'image/png': 'The picture, completed.' },
    example: '/v1/complete/fashion-gan?seed=7',
  },
];

/** The files of a form by name. The body is read whole first, so that its size is known. */
async function readForm(request: Request): Promise<FormData> {
  const type = request.headers.get('Content-Type') ?? '';
  if (!type.toLowerCase().startsWith(FORM))
    throw new Problem(415, `body: expected ${FORM} with picture and mask, got ${type.slice(0, 80) || 'no type'}`);
  const bytes = await readAtMost(request, LIMITS.uploadBytes);
  const form = await new Response(bytes as BodyInit, { headers: { 'Content-Type': type } }).formData().catch(() => {
    throw new Problem(400, `body: expected ${FORM} as its type says, got something else or a part of it`);
  });
  const other = [...form.keys()].find((key) => !FILES.some((name) => name === key));
  if (other !== undefined)
    throw badField(
      'body',
      other.slice(0, 80),
      `expected the files ${FILES.join(' and ')} alone, got another field; parameters go into the address`,
    );
  return form;
}

async function fileOf(form: FormData, name: (typeof FILES)[number], pictures: PictureDecoder): Promise<Decoded> {
  const [file, ...more] = form.getAll(name);
  if (file === undefined || typeof file === 'string' || more.length > 0)
    throw badField(
      'body',
      name,
      `expected one file, got ${more.length > 0 ? 'several' : file === undefined ? 'none' : 'text'}`,
    );
  return pictures.decode(new Uint8Array(await file.arrayBuffer())).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw badField('body', name, error.message.replace(/^picture: /, ''));
  });
}

const sizeOf = ({ picture, orientation }: Decoded) => uprightSize(picture, orientation);

export function completeRoutes(app: Hono<AppEnv>, { models, pictures }: Services): void {
  app.post('/v1/complete/:model', (c) =>
    lendNamed(models, segmentsOf(c)[2] ?? '', 'path', async (model) => {
      const { name } = model.entry;
      c.set('pocketgen.model', name);
      const query = readQuery(completeQuery, new URL(c.req.url));
      const manifest = await model.manifest();
      if (manifest.completer === undefined) {
        const detail = `expected a model that completes pictures, got ${name}, which only draws`;
        throw new Problem(404, `model: ${detail}`, [{ in: 'path', name: 'model', detail }]);
      }
      const told = query.class !== undefined || query.classes !== undefined;
      const mix = told ? mixFor(manifest, query) : [];
      const seed = seedOf(query.seed, 'query');
      const fit = fieldOf('query', 'background', () => fitOf(manifest, query.background));
      checkPixels(1, layoutFor(model.entry, query.scale, undefined), 'scale');
      const form = await readForm(c.req.raw);
      const timing = c.get('pocketgen.timing');
      const [given, mask] = await timing.measure(
        'decode',
        async () => [await fileOf(form, 'picture', pictures), await fileOf(form, 'mask', pictures)] as const,
      );
      const { image } = manifest;
      fieldOf('body', 'mask', () => checkMaskSize(sizeOf(given), sizeOf(mask)));
      const hidden = hiddenOf(
        intake(mask.picture, { ...image, channels: 1 }, { ...fit, background: [0, 0, 0] }, mask.orientation),
      );
      if (!hidden.includes(1))
        throw badField('body', 'mask', 'expected light places, which are drawn anew, got none; nothing would change');
      const completer = await model.completer();
      const [made] = await timing.measure('inference', () =>
        completer.complete([
          {
            picture: intake(given.picture, image, fit, given.orientation),
            hidden,
            latent: truncate(latentOf(seed, manifest.latent.size), query.truncation ?? manifest.defaultTruncation),
            classWeights: mixWeights(mix, manifest),
          },
        ]),
      );
      if (made === undefined) throw new Error('complete: expected one picture, got none');
      const png = await timing.measure('encode', () => encodePng(scaleUp(made, query.scale)));
      return c.body(png, 200, { 'Content-Type': 'image/png', 'Cache-Control': 'no-store' });
    }),
  );
}
