// Query parameters and bodies against zod schemas. The same schema gives the check, the sentence in the error and the
// entry in the OpenAPI document. Unknown and repeated parameters are errors; nothing is clamped.
import * as z from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { truncationSchema } from '../contract/manifest.ts';
import { type FieldError, Problem } from './problem.ts';

/** The keywords of JSON Schema that our parameters use. */
export interface JsonSchema {
  type?: string;
  enum?: readonly unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  description?: string;
  default?: unknown;
  anyOf?: readonly JsonSchema[];
}

/**
 * Text of so many characters, counted as JSON Schema counts them: zod's own `max` counts an emoji twice. `pattern` is told in
 * the OpenAPI document; whoever reads the text checks it and says what is wrong.
 */
export function text(min: number, max: number, pattern?: string): z.ZodString {
  return z
    .string()
    .refine((value) => {
      const { length } = [...value];
      return length >= min && length <= max;
    })
    .meta({ minLength: min, maxLength: max, ...(pattern === undefined ? {} : { pattern }) });
}

const known = new WeakMap<z.ZodObject, ReadonlyMap<string, JsonSchema>>();

/** The fields of an object schema as JSON Schema, by name. */
export function fieldsOf(schema: z.ZodObject): ReadonlyMap<string, JsonSchema> {
  let fields = known.get(schema);
  if (fields === undefined) {
    const json = z.toJSONSchema(schema, { io: 'input' }) as { properties?: Record<string, JsonSchema> };
    fields = new Map(Object.entries(json.properties ?? {}));
    known.set(schema, fields);
  }
  return fields;
}

/** The names of the fields that must be there. */
export function requiredOf(schema: z.ZodObject): ReadonlySet<string> {
  return new Set((z.toJSONSchema(schema, { io: 'input' }).required as string[] | undefined) ?? []);
}

/** What a field may be, in words: `an integer from 1 to 32`. */
export function inWords(field: JsonSchema): string {
  if (field.const !== undefined) return JSON.stringify(field.const);
  if (field.enum !== undefined) return `one of ${field.enum.join(', ')}`;
  if (field.anyOf !== undefined) return field.anyOf.map(inWords).join(' or ');
  switch (field.type) {
    case 'integer':
      return `an integer from ${field.minimum} to ${field.maximum}`;
    case 'number':
      return `a number above ${field.exclusiveMinimum ?? field.minimum}, at most ${field.maximum}`;
    case 'string':
      return field.maxLength === undefined
        ? 'text'
        : `text of ${field.minLength ?? 0} to ${field.maxLength} characters`;
    default:
      return field.type ?? 'another value';
  }
}

const isNumeric = (field: JsonSchema | undefined): boolean => field?.type === 'integer' || field?.type === 'number';

/** A number as JSON and JavaScript write it, or the text as it is, which no schema of a number takes. */
function numberOr(text: string, field: JsonSchema | undefined): unknown {
  const written =
    field?.type === 'integer' ? /^-?(0|[1-9][0-9]*)(\.0+)?$/ : /^-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?$/i;
  return isNumeric(field) && written.test(text) ? Number(text) : text;
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function check<S extends z.ZodObject>(
  schema: S,
  values: Readonly<Record<string, unknown>>,
  where: 'query' | 'body',
  errors: FieldError[],
): z.infer<S> {
  const fields = fieldsOf(schema);
  for (const name of Object.keys(values)) {
    if (!fields.has(name)) {
      const names = [...fields.keys()].join(', ') || 'no parameters';
      errors.push({ in: where, name: quote(name), detail: `expected ${names}, got an unknown parameter` });
    }
  }
  const parsed = schema.safeParse(values);
  const wrong = new Set(parsed.success ? [] : parsed.error.issues.map((issue) => String(issue.path[0] ?? '')));
  for (const name of wrong) {
    const field = fields.get(name);
    if (field === undefined) continue;
    const value = values[name];
    // A number in quotation marks is told from one without.
    const got = where === 'body' && isNumeric(field) ? JSON.stringify(value) : value;
    errors.push({
      in: where,
      name,
      detail: `expected ${inWords(field)}, got ${name in values ? quote(got) : 'nothing'}`,
    });
  }
  if (errors.length > 0 || !parsed.success) {
    const first = errors[0];
    throw new Problem(400, first ? `${first.name}: ${first.detail}` : 'expected another object', errors);
  }
  return parsed.data;
}

/** The query of a URL as `schema` says, or a 400 with one entry per wrong parameter. */
export function readQuery<S extends z.ZodObject>(schema: S, url: URL): z.infer<S> {
  const fields = fieldsOf(schema);
  const errors: FieldError[] = [];
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, text] of url.searchParams) {
    if (name in values) errors.push({ in: 'query', name: quote(name), detail: 'expected once, got more than one' });
    values[name] = numberOr(text, fields.get(name));
  }
  return check(schema, values, 'query', errors);
}

/** A JSON body as `schema` says; `null` stands for an optional field that is absent, as in OpenAI's API. 413, 415 and 400 say what is wrong. */
export async function readBody<S extends z.ZodObject>(schema: S, request: Request): Promise<z.infer<S>> {
  const type = request.headers.get('Content-Type') ?? 'no type';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new Problem(415, `body: expected application/json, got ${quote(type)}`);
  const text = new TextDecoder().decode(await readAtMost(request, LIMITS.bodyBytes));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem(400, 'body: expected JSON, got something else or a part of it');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Problem(400, `body: expected a JSON object, got ${Array.isArray(json) ? 'an array' : typeof json}`);
  const required = requiredOf(schema);
  const given = Object.entries(json).filter(
    ([name, value]) => value !== null || required.has(name) || !fieldsOf(schema).has(name),
  );
  return check(schema, Object.fromEntries(given), 'body', []);
}

/** Stops reading at the limit, whatever Content-Length says. */
export async function readAtMost(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = new Problem(413, `body: expected at most ${limit} bytes, got more`);
  if (Number(request.headers.get('Content-Length')) > limit) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const next = await reader?.read().catch(() => {
      throw new Problem(400, 'body: expected all of it, got a part');
    });
    if (next === undefined || next.done) break;
    length += next.value.length;
    if (length > limit) {
      await reader?.cancel();
      throw tooLarge;
    }
    chunks.push(next.value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Fields that several routes share. */
/** A ground of one colour. */
export const colour = text(1, 20, '^(#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})|white|black)$');

export const shared = {
  class: text(1, 255).optional().describe('A class label, in any case, or its index. Absent: the seed chooses.'),
  /** Of a picture or a latent, for which no seed chooses. */
  soleClass: text(1, 255)
    .optional()
    .describe('A class label, in any case, or its index; it or `classes` must be there where the model has classes.'),
  classes: text(1, 4096, '^[0-9]+\\*[0-9.]+(,[0-9]+\\*[0-9.]+)*$')
    .optional()
    .describe('A mixture instead of one class: index*weight, commas between, weights from 0 to 1.'),
  truncation: z
    .optional(truncationSchema)
    .describe('Scales the latent: lower is nearer the average picture, less varied. Absent: the model’s own default.'),
  scale: z.int().min(1).max(LIMITS.scale).default(1).describe('Each pixel becomes scale × scale pixels.'),
  background: text(1, 20, '^(#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})|white|black|checkerboard)$')
    .optional()
    .describe(
      'Lays a transparent model’s pictures on a colour (ff8800, f80, white, black) or a checkerboard: opaque RGB. ' +
        'Absent: they stay transparent. Opaque pictures hide it.',
    ),
};
