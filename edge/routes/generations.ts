// POST /v1/images/generations: OpenAI's Images API. The prompt names a class; the rest is as the official client sends it.
import type { Hono } from 'hono';
import * as z from 'zod';
import { backgroundName, onBackground, WHITE } from '../../contract/background.ts';
import { base64 } from '../../contract/base64.ts';
import { parseSeed } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { centred, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { versionedName } from '../../contract/version.ts';
import { type Endpoint, namesOf } from '../endpoint.ts';
import { lendNamed } from '../lending.ts';
import { generate, type ModelEntry, type Models } from '../models.ts';
import { readBody, readQuery, text } from '../parameters.ts';
import { checkPixels, layoutFor, parseSize, SIZE } from '../picture-request.ts';
import { badField, fieldOf, Problem } from '../problem.ts';
import { labelInPrompt } from '../prompt.ts';
import type { AppEnv, Services } from '../services.ts';

const MAX_N = 64;
const uncached = { 'Cache-Control': 'no-store' };
/** What OpenAI's clients send and what changes nothing here. */
const ignored = {
  quality: z.enum(['auto', 'low', 'medium', 'high', 'xhigh', 'max', 'standard', 'hd']),
  style: z.enum(['vivid', 'natural']),
  moderation: z.enum(['auto', 'low']),
  output_compression: z.int().min(0).max(100),
  partial_images: z.int().min(0).max(3),
  user: text(1, 256),
  safety_identifier: text(1, 256),
};

const generationBody = z.object({
  model: text(1, 100)
    .optional()
    .describe('NAME, or NAME@VERSION. Absent: the first model served of which the prompt names a class.'),
  prompt: text(1, 1000).describe('Names a class: `coat`, `a photo of ankle boots`.'),
  n: z.int().min(1).max(MAX_N).default(1),
  size: text(3, 9, `^(auto|${SIZE})$`)
    .default('auto')
    .describe(
      'WIDTHxHEIGHT: the picture enlarged by the largest whole number that fits, centred on white (transparent where the ' +
        'model is); where that is smaller than the model’s own, as large as that. auto: the model’s own size. `size` of an answer says what it is.',
    ),
  response_format: z.enum(['b64_json', 'url']).default('url'),
  output_format: z.enum(['png']).default('png'),
  background: z
    .enum(['transparent', 'opaque', 'auto'])
    .default('auto')
    .describe('opaque lays a transparent model’s pictures on white; auto leaves them as they are.'),
  stream: z.literal(false).optional().describe('Answers come whole.'),
  seed: z
    .union([z.int().min(0).max(4294967295), text(1, LIMITS.seedCharacters)])
    .optional()
    .describe('Not in OpenAI’s API. Picture i has seed + i. Absent: drawn at random.'),
  ...z.object(ignored).partial().shape,
});

/** The models there are, and that those without alpha cannot be asked for a transparent background. */
function bodyFor(models: readonly ModelEntry[]) {
  if (models.length === 0) return { properties: {} };
  const opaque = namesOf(models.filter(({ image }) => image.channels !== 4));
  const properties = { model: { enum: namesOf(models) } };
  if (opaque.length === 0) return { properties };
  // Without a model the prompt may mean any of them.
  return {
    properties,
    not: {
      required: ['background'],
      properties: { background: { const: 'transparent' }, model: { enum: [...opaque, null] } },
    },
  };
}

export const generationEndpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/images/generations',
    id: 'generations',
    summary:
      'OpenAI-compatible: the official client works with this server as its baseURL. `quality`, `style` and other fields that mean nothing here are taken and change nothing.',
    body: generationBody,
    bodyFor,
    answers: { 'application/json': '`{ created, data: [{ b64_json or url, revised_prompt, seed, size }] }`' },
    example: '/v1/images/generations',
    exampleBody: { model: 'fashion-gan', prompt: 'sneaker', n: 2, seed: 7, response_format: 'b64_json' },
  },
];

/** What a model calls that which a prompt may name: its classes, or itself where it has none. */
const labelsOf = ({ classes, name, title }: ModelEntry): readonly string[] =>
  classes.length > 0 ? classes : [name, title];

function promptedClass(entry: ModelEntry, prompt: string): number | undefined {
  const { classes, name } = entry;
  const index = labelInPrompt(labelsOf(entry), prompt);
  if (index !== undefined) return classes.length > 0 ? index : undefined;
  throw badField(
    'body',
    'prompt',
    classes.length > 0
      ? `expected a class, one of ${classes.join(', ')}`
      : `expected the model's name, ${name}, as it has no classes, got another text`,
  );
}

/** So many models are looked through for the one that a prompt means. */
const MODELS_MEANT = 20;

/** The first model of which the prompt names a class, or else the first there is; undefined if there is none. */
async function modelMeant(models: Models, prompt: string): Promise<string | undefined> {
  const entries = await models.list();
  const meant = entries.slice(0, MODELS_MEANT).find((entry) => labelInPrompt(labelsOf(entry), prompt) !== undefined);
  return (meant ?? entries[0])?.name;
}

export function generationRoutes(app: Hono<AppEnv>, services: Services): void {
  const { models, addresses } = services;
  app.post('/v1/images/generations', async (c) => {
    const url = new URL(c.req.url);
    readQuery(z.object({}), url);
    const body = await readBody(generationBody, c.req.raw);
    const named = body.model ?? (await modelMeant(models, body.prompt));
    if (named === undefined) throw new Problem(503, 'model: expected one to be served, got none; see /healthz');
    return lendNamed(models, named, 'body', async ({ entry, open }) => {
      const { name, image } = entry;
      c.set('pocketgen.model', name);
      const index = promptedClass(entry, body.prompt);
      const asked = body.size === 'auto' ? undefined : fieldOf('body', 'size', () => parseSize(body.size));
      const layout = layoutFor(entry, undefined, asked);
      // Behind addresses each picture is an answer of its own.
      checkPixels(body.response_format === 'url' ? 1 : body.n, layout, 'size', 'body');
      const { scale, width, height } = layout;
      const clear = image.channels === 4;
      if (body.background === 'transparent' && !clear)
        throw badField('body', 'background', `expected opaque or auto, as ${name} draws no transparent pictures`);
      const background = clear && body.background === 'opaque' ? WHITE : undefined;
      const { seed: given } = body;
      const first =
        given === undefined
          ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
          : fieldOf('body', 'seed', () => parseSeed(given));
      const seeds = Array.from({ length: body.n }, (_, i) => (first + i) % 4294967296);
      const label = index === undefined ? undefined : entry.classes[index];
      const common = (seed: number) => ({ revised_prompt: label ?? name, seed, size: `${width}x${height}` });
      const created = Math.floor(Date.now() / 1000);
      if (body.response_format === 'url') {
        // A picture is its address, which names the version: nothing is drawn or stored until someone asks for it.
        const folder = `${addresses.absolute(c)}/v1/images/${versionedName(name, entry.version)}`;
        const address = (seed: number) => {
          const picture = new URL(`${folder}/${seed}.png`);
          if (label !== undefined) picture.searchParams.set('class', label);
          const whole = width === image.width * scale && height === image.height * scale;
          if (!whole || scale > LIMITS.scale) picture.searchParams.set('canvas', `${width}x${height}`);
          else if (scale > 1) picture.searchParams.set('scale', String(scale));
          if (background !== undefined) picture.searchParams.set('background', backgroundName(background));
          return picture.href;
        };
        return c.json({ created, data: seeds.map((seed) => ({ url: address(seed), ...common(seed) })) }, 200, uncached);
      }
      const timing = c.get('pocketgen.timing');
      const model = await open();
      const requests = seeds.map((seed) => ({ seed, class: index, truncation: entry.defaultTruncation }));
      const pictures = await timing.measure('inference', () => generate(model, requests));
      const data = await timing.measure('encode', () =>
        pictures.map((picture, i) => ({
          b64_json: base64(encodePng(onBackground(centred(scaleUp(picture, scale), width, height), background))),
          ...common(seeds[i] ?? 0),
        })),
      );
      return c.json({ created, data }, 200, uncached);
    });
  });
}
