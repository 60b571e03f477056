// POST /v1/encode/{model}: a picture to the latent that draws it again, for models with an encoder. The picture is decoded here,
// within limits, and kept nowhere.
import type { Hono } from 'hono';
import * as z from 'zod';
import { gridMix, mixWeights } from '../../contract/compact.ts';
import { UserError } from '../../contract/errors.ts';
import { fitOf, intake } from '../../contract/intake.ts';
import { latentFile, latentQuery } from '../../contract/latent-file.ts';
import { LIMITS } from '../../contract/limits.ts';
import { versionedName } from '../../contract/version.ts';
import { type Endpoint, segmentsOf } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { colour, readAtMost, readQuery, shared } from '../parameters.ts';
import { mixFor } from '../picture-request.ts';
import { formatOf } from '../pictures/decode.ts';
import { badField, fieldOf, Problem } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const encodeQuery = z.object({
  class: shared.soleClass,
  classes: shared.classes,
  background: colour
    .optional()
    .describe(
      'What transparent places of the picture lie on, for a model of opaque pictures: ff8800, f80, white, black. Absent: what its ' +
        'training pictures lay on, else white. A model of transparent pictures keeps them as they are.',
    ),
});

export const encodeEndpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/encode/{model}',
    id: 'encode',
    summary:
      `The latent of a picture, and the address of the picture that it draws. The body is a PNG, JPEG or WebP file of at most ${LIMITS.uploadBytes} bytes, ` +
      `${LIMITS.uploadPixels} pixels and ${LIMITS.uploadSide} a side; it is cropped and resized as the model’s training pictures were. 404 for a model without an encoder.`,
    query: encodeQuery,
    upload: ['image/png', 'image/jpeg', 'image/webp'],
    needs: 'encoder',
    answers: {
      'application/json':
        '`{ model, version, latent, z, class, truncation, picture }`: a latent file, and the address that draws it.',
    },
    example: '/v1/encode/fashion-gan?class=coat',
  },
];

export function encodeRoutes(app: Hono<AppEnv>, { models, pictures, addresses }: Services): void {
  app.post('/v1/encode/:model', (c) =>
    lendNamed(models, segmentsOf(c)[2] ?? '', 'path', async (model) => {
      const { name, version } = model.entry;
      c.set('pocketgen.model', name);
      const query = readQuery(encodeQuery, new URL(c.req.url));
      const manifest = await model.manifest();
      if (manifest.encoder === undefined) {
        const detail = `expected a model with an encoder, got ${name}, which has none`;
        throw new Problem(404, `model: ${detail}`, [{ in: 'path', name: 'model', detail }]);
      }
      // On the grid before it is used: the latent is that of the very mixture which the answer and its address name.
      const mix = gridMix(mixFor(manifest, query));
      if (query.classes !== undefined && mix.length === 0)
        throw badField('query', 'classes', `expected a weight of 0.001 or more, got ${query.classes.slice(0, 60)}`);
      const fit = fieldOf('query', 'background', () => fitOf(manifest, query.background));
      const bytes = await readAtMost(c.req.raw, LIMITS.uploadBytes);
      const format = formatOf(bytes);
      if (format === undefined || !pictures.formats.includes(format))
        throw new Problem(415, `body: expected ${pictures.formats.join(' or ')}, got ${format ?? 'something else'}`);
      const timing = c.get('pocketgen.timing');
      const { picture, orientation } = await timing
        .measure('decode', () => pictures.decode(bytes))
        .catch((error) => {
          if (!(error instanceof UserError)) throw error;
          throw badField('body', 'picture', error.message.replace(/^picture: /, ''));
        });
      const taken = intake(picture, manifest.image, fit, orientation);
      const encoder = await model.encoder();
      const weights = manifest.classes.length > 0 ? [mixWeights(mix, manifest)] : [];
      const [latent] = await timing.measure('inference', () => encoder.encode([taken], weights));
      if (latent === undefined) throw new Error('encode: expected one latent, got none');
      const file = latentFile(manifest, version, latent, mix);
      const path = `/v1/latents/${versionedName(name, version)}.png?${latentQuery(file, manifest)}`;
      return c.json({ ...file, picture: `${addresses.absolute(c)}${path}` }, 200, { 'Cache-Control': 'no-store' });
    }),
  );
}
