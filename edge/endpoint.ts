// One route as the OpenAPI document and the human page show it; each file of routes/ lists its own beside the code.
import type { Context } from 'hono';
import { basePath } from 'hono/route';
import type * as z from 'zod';
import { encodeLatent } from '../contract/compact.ts';
import type { Beside } from '../contract/lookup.ts';
import { versionedName } from '../contract/version.ts';
import type { ModelEntry } from './models.ts';
import { Problem } from './problem.ts';
import { labelInPrompt } from './prompt.ts';
import type { AppEnv } from './services.ts';

export interface Endpoint {
  method: 'get' | 'post';
  /** OpenAPI style: /v1/images/{model}/{seed}.png */
  path: string;
  id: string;
  summary: string;
  query?: z.ZodObject;
  body?: z.ZodObject;
  /** The body is a file of one of these media types. */
  upload?: readonly string[];
  /** The body is a form of files of these names. */
  form?: readonly string[];
  /** Media type → what it is. */
  answers: Readonly<Record<string, string>>;
  /** Draws: its answers carry an ETag, and may be kept for ever where the address names the model's version. */
  draws?: boolean;
  /** What the models served allow of the body, as keywords of JSON Schema beside the fields' own. */
  bodyFor?(models: readonly ModelEntry[]): { properties: Readonly<Record<string, object>>; not?: object };
  /** What a model must have; answers 404 for one without. */
  needs?: Beside;
  /** Answers 404 for a model that was not trained where it is asked, as the example's is. */
  onlyTrainedHere?: boolean;
  /** Path and query of an example (with the body, for POST); `fashion-gan` stands for the model. */
  example: string;
  exampleBody?: Readonly<Record<string, unknown>> & { prompt: string };
}

/**
 * The example of an endpoint as it works on a model: its name (and version, where it draws), classes that it has, and a latent of
 * its size, which is that of fashion-gan where it is not known.
 */
export function exampleFor(
  { example, exampleBody, draws }: Endpoint,
  { name, version, classes }: ModelEntry,
  latentSize = 64,
) {
  const url = new URL(example.replace('fashion-gan', draws ? versionedName(name, version) : name), 'http://localhost');
  for (const [key, other] of [
    ['class', classes[0]],
    ['toClass', classes.at(-1)],
  ] as const) {
    const wanted = url.searchParams.get(key);
    if (wanted === null || classes.some((label) => label.toLowerCase() === wanted)) continue;
    if (other === undefined) url.searchParams.delete(key);
    else url.searchParams.set(key, other);
  }
  if (url.searchParams.has('z')) url.searchParams.set('z', encodeLatent(new Float32Array(latentSize)));
  const prompt = exampleBody?.prompt;
  const named = prompt !== undefined && labelInPrompt(classes, prompt) !== undefined;
  const body = exampleBody && { ...exampleBody, model: name, prompt: named ? prompt : (classes[0] ?? name) };
  return { path: `${url.pathname}${url.search}`, body };
}

/** Each model by its name, and by that of its version. */
export const namesOf = (models: readonly ModelEntry[]): string[] =>
  models.flatMap(({ name, version }) => [name, versionedName(name, version)]);

/** Hono's own word for it. The copy of Hono that serves a request can be asked by itself only. */
function baseOf(c: Context<AppEnv>): string {
  try {
    return basePath(c);
  } catch {
    throw new Error(
      'pocketgen: expected one copy of hono, got the app’s own and another; see npm ls hono, run npm dedupe',
    );
  }
}

/** Where the app is mounted, as the request wrote it: `/art`, `/b%C3%BCro` under `/:room`; empty at the root. */
export function mountOf(c: Context<AppEnv>): string {
  const depth = baseOf(c).split('/').filter(Boolean).length;
  const { pathname } = new URL(c.req.url);
  return pathname
    .split('/')
    .slice(0, depth + 1)
    .join('/');
}

/** One slash for several, none at the end: base addresses are often written with one too many. */
export function tidyPath(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}

/** The path below where the app is mounted, as the request wrote it. */
export function pathOf(c: Context<AppEnv>): string {
  return tidyPath(new URL(c.req.url).pathname).slice(c.get('pocketgen.base').length);
}

/** Its segments, decoded. Taken from the URL itself, as a seed may hold any character, `/` included. */
export function segmentsOf(c: Context<AppEnv>): string[] {
  try {
    return pathOf(c).split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw new Problem(400, 'path: expected percent-encoded UTF-8, got something else', [
      { in: 'path', name: 'path', detail: 'expected percent-encoded UTF-8, got something else' },
    ]);
  }
}

/** `ada@example.com.png` → `ada@example.com` and `png`. 404 if the extension is not one of `extensions`. */
export function splitFile<E extends string>(file: string, extensions: readonly E[]): { stem: string; extension: E } {
  const dot = file.lastIndexOf('.');
  const extension = extensions.find((one) => one === file.slice(dot + 1));
  if (dot < 0 || extension === undefined) {
    const detail = `expected a path that ends in ${extensions.map((one) => `.${one}`).join(' or ')}, got ${dot < 0 ? 'none' : file.slice(dot, dot + 60)}`;
    throw new Problem(404, `path: ${detail}`, [{ in: 'path', name: 'format', detail }]);
  }
  return { stem: file.slice(0, dot), extension };
}
