// POST /v1/images/generations: OpenAI's Images API. The prompt names a class; the rest is as the official client sends it.
import type { Hono } from 'hono';
import * as z from 'zod';
import { backgroundName, onBackground, WHITE } from '../../contract/background.ts';
import { parseSeed } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { base64 } from '../base64.ts';
import type { Endpoint } from '../endpoint.ts';
import { generate, modelNamed, type ServedModel } from '../models.ts';
import { readBody, readQuery } from '../parameters.ts';
import { checkPixels } from '../picture-request.ts';
import { badField, fieldOf, Problem } from '../problem.ts';
import { labelInPrompt } from '../prompt.ts';
import type { AppEnv, Services } from '../services.ts';

const MAX_N = 64;
const generationBody = z.object({
  model: z.string().min(1).max(100).optional().describe('Absent: the first model served.'),
  prompt: z.string().min(1).max(1000).describe('Names a class: `coat`, `a photo of an ankle boot`.'),
  n: z.int().min(1).max(MAX_N).default(1),
  size: z
    .string()
    .min(1)
    .max(11)
    .default('auto')
    .describe('WIDTHxHEIGHT, a whole multiple of the model’s size; or auto.'),
  response_format: z.enum(['b64_json', 'url']).default('url'),
  output_format: z.enum(['png']).default('png'),
  background: z
    .enum(['transparent', 'opaque', 'auto'])
    .default('auto')
    .describe('opaque lays a transparent model’s pictures on white; auto leaves them as they are.'),
  seed: z
    .union([z.int().min(0).max(4294967295), z.string().min(1).max(LIMITS.seedBytes)])
    .optional()
    .describe('Not in OpenAI’s API. Picture i has seed + i. Absent: drawn at random.'),
});

export const generationEndpoints: readonly Endpoint[] = [
  {
    method: 'post',
    path: '/v1/images/generations',
    id: 'generations',
    summary: 'OpenAI-compatible: the official client works with this server as its baseURL.',
    body: generationBody,
    answers: { 'application/json': '`{ created, data: [{ b64_json or url, revised_prompt, seed }] }`' },
    example: '/v1/images/generations',
    exampleBody: { model: 'fashion-gan', prompt: 'sneaker', n: 2, seed: 7, response_format: 'b64_json' },
  },
];

function promptedClass(manifest: Manifest, prompt: string): number | undefined {
  const { classes, name, title } = manifest;
  if (classes.length === 0) {
    if (labelInPrompt([name, title], prompt) !== undefined) return undefined;
    throw badField('body', 'prompt', `expected the model's name, ${name}, as it has no classes, got another text`);
  }
  const index = labelInPrompt(classes, prompt);
  if (index === undefined) throw badField('body', 'prompt', `expected a class, one of ${classes.join(', ')}`);
  return index;
}

function scaleOf(manifest: Manifest, size: string): number {
  const { width, height } = manifest.image;
  if (size === 'auto') return 1;
  for (let scale = 1; scale <= LIMITS.scale; scale++) if (size === `${width * scale}x${height * scale}`) return scale;
  throw badField('body', 'size', `expected auto or ${width}x${height} times 1 to ${LIMITS.scale}, got ${size}`);
}

export function generationRoutes(app: Hono<AppEnv>, services: Services): void {
  app.post('/v1/images/generations', async (c) => {
    const url = new URL(c.req.url);
    readQuery(z.object({}), url);
    const body = await readBody(generationBody, c.req.raw);
    const name = body.model ?? services.models.served.keys().next().value;
    if (name === undefined) throw new Problem(503, 'model: expected one to be served, got none; see /healthz');
    const model: ServedModel = modelNamed(services.models, name, 'body');
    c.set('model', name);
    const { manifest } = model;
    const index = promptedClass(manifest, body.prompt);
    const scale = scaleOf(manifest, body.size);
    checkPixels(model, body.n, scale, 'body');
    const clear = manifest.image.channels === 4;
    if (body.background === 'transparent' && !clear)
      throw badField('body', 'background', `expected opaque or auto, as ${name} draws no transparent pictures`);
    const background = clear && body.background === 'opaque' ? WHITE : undefined;
    const { seed: given } = body;
    const first =
      given === undefined
        ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
        : fieldOf('body', 'seed', () => parseSeed(given));
    const seeds = Array.from({ length: body.n }, (_, i) => (first + i) % 4294967296);
    const label = index === undefined ? undefined : manifest.classes[index];
    const common = (seed: number) => ({ revised_prompt: label ?? name, seed });
    const created = Math.floor(Date.now() / 1000);
    if (body.response_format === 'url') {
      // A picture is its address: nothing is drawn or stored until someone asks for it.
      const address = (seed: number) => {
        const picture = new URL(`/v1/images/${name}/${seed}.png`, url);
        if (label !== undefined) picture.searchParams.set('class', label);
        if (scale > 1) picture.searchParams.set('scale', String(scale));
        if (background !== undefined) picture.searchParams.set('background', backgroundName(background));
        return picture.href;
      };
      return c.json({ created, data: seeds.map((seed) => ({ url: address(seed), ...common(seed) })) });
    }
    const timing = c.get('timing');
    const requests = seeds.map((seed) => ({ seed, class: index, truncation: manifest.defaultTruncation }));
    const pictures = await timing.measure('inference', () => generate(model, requests));
    const data = await timing.measure('encode', () =>
      pictures.map((picture, i) => ({
        b64_json: base64(encodePng(onBackground(scaleUp(picture, scale), background))),
        ...common(seeds[i] ?? 0),
      })),
    );
    return c.json({ created, data });
  });
}
