// The OpenAPI 3.1 document, made from the endpoints' zod schemas and the models served.
import type * as z from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { type Endpoint, exampleFor, namesOf } from './endpoint.ts';
import type { ModelEntry } from './models.ts';
import { fieldsOf, type JsonSchema, requiredOf } from './parameters.ts';
import { isOpenAiPath } from './problem.ts';

/** A document does not list more names than that. */
const MODELS_LISTED = 50;

const problem = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'field: expected X, got Y' },
    instance: { type: 'string', description: 'The request id' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['in', 'name', 'detail'],
        properties: { in: { type: 'string' }, name: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

const drawnHeaders = {
  ETag: { description: 'Stands for exactly these bytes.', schema: { type: 'string' } },
  'Cache-Control': {
    description: 'A year and `immutable` where the address names the version, a minute where it does not.',
    schema: { type: 'string' },
  },
  'Content-Location': {
    description: 'The address of this answer that names the version; absent where it was asked at that one.',
    schema: { type: 'string' },
  },
};

const openAiError = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { message: {}, type: {}, param: {}, code: {} },
    },
  },
};

/** The names there are, or how one looks where they are more than a document should list. */
function modelSchema(models: readonly ModelEntry[]) {
  if (models.length === 0 || models.length > MODELS_LISTED)
    return { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,62}(@[0-9a-f]{12})?$' };
  return { type: 'string', enum: namesOf(models) };
}

function parametersOf({ path, query, draws, onlyTrainedHere }: Endpoint, models: readonly ModelEntry[]) {
  const parameters: object[] = [];
  if (path.includes('{model}')) {
    const description = draws
      ? 'NAME@VERSION: answers may be kept for ever. NAME alone: whichever version is current, to be asked again.'
      : onlyTrainedHere
        ? 'NAME.'
        : 'NAME, or NAME@VERSION.';
    parameters.push({ name: 'model', in: 'path', required: true, description, schema: modelSchema(models) });
  }
  if (path.includes('{seed}')) {
    const description = `0 to 4294967295, or any text of at most ${LIMITS.seedCharacters} characters.`;
    parameters.push({
      name: 'seed',
      in: 'path',
      required: true,
      description,
      schema: { type: 'string', minLength: 1, maxLength: LIMITS.seedCharacters },
    });
  }
  const required = query ? requiredOf(query) : new Set();
  for (const [name, { description, ...schema }] of query ? fieldsOf(query) : []) {
    parameters.push({
      name,
      in: 'query',
      required: required.has(name),
      ...(description ? { description } : {}),
      schema,
    });
  }
  return parameters;
}

const formSchema = (names: readonly string[]) => ({
  type: 'object',
  required: names,
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string', format: 'binary' }])),
});

function operationOf(endpoint: Endpoint, models: readonly ModelEntry[], keys: boolean) {
  const { id, summary, body, upload, form, answers, draws } = endpoint;
  const sent = upload ?? form;
  const [first] = models;
  const example = first && exampleFor(endpoint, first).body;
  const mayAsk = endpoint.path.startsWith('/v1/');
  const openAi = isOpenAiPath(endpoint.path);
  const error = openAi ? 'openAiError' : 'problem';
  const type = openAi ? 'application/json' : 'application/problem+json';
  const failure = (description: string) => ({
    description,
    content: { [type]: { schema: { $ref: `#/components/schemas/${error}` } } },
  });
  const content = Object.fromEntries(
    Object.keys(answers).map((media) => [media, { schema: media === 'application/json' ? { type: 'object' } : {} }]),
  );
  return {
    operationId: id,
    summary,
    parameters: parametersOf(endpoint, models),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: bodySchema(
                  body,
                  endpoint.bodyFor?.(models.length > MODELS_LISTED ? [] : models) ?? { properties: {} },
                ),
                ...(example === undefined ? {} : { example }),
              },
            },
          },
        }
      : {}),
    ...(upload
      ? { requestBody: { required: true, content: Object.fromEntries(upload.map((media) => [media, {}])) } }
      : {}),
    ...(form
      ? { requestBody: { required: true, content: { 'multipart/form-data': { schema: formSchema(form) } } } }
      : {}),
    ...(keys && mayAsk ? { security: [{ key: [] }] } : {}),
    responses: {
      200: {
        description: Object.values(answers).join(' ') || 'The answer.',
        ...(draws ? { headers: drawnHeaders } : {}),
        content,
      },
      ...(draws ? { 304: { description: 'Not modified: If-None-Match has the ETag. Nothing is drawn.' } } : {}),
      400: failure('A parameter is wrong, unknown or repeated, or the answer would be too large.'),
      ...(mayAsk && keys ? { 401: failure('No bearer key, or a wrong one.') } : {}),
      ...(endpoint.path.includes('{') || body ? { 404: failure('No such model, version or format.') } : {}),
      405: failure('Another method than this path has, see Allow.'),
      ...(body || sent
        ? {
            413: failure(`A body of more than ${sent ? LIMITS.uploadBytes : LIMITS.bodyBytes} bytes.`),
            415: failure(
              sent
                ? 'A body that is no file of these formats, or no such form.'
                : 'A body that is not application/json.',
            ),
          }
        : {}),
      ...(mayAsk ? { 429: failure('Too many requests; see Retry-After.') } : {}),
      431: { description: 'The address and the headers are longer than the server reads.' },
      500: failure('An internal error; the request id finds it in the log.'),
      503:
        id === 'health'
          ? { description: 'No model is served.', content }
          : failure('The model failed its checks, or none is served.'),
    },
  };
}

/** A body's schema: optional fields may be null, and the models served may allow less. */
function bodySchema(
  schema: z.ZodObject,
  { properties: more = {}, ...rest }: ReturnType<NonNullable<Endpoint['bodyFor']>>,
) {
  const required = requiredOf(schema);
  const orNull = ({ description, default: absent, ...field }: JsonSchema): JsonSchema => ({
    anyOf: [field, { type: 'null' }],
    ...(description === undefined ? {} : { description }),
    ...(absent === undefined ? {} : { default: absent }),
  });
  const properties = [...fieldsOf(schema)].map(([name, field]) => {
    const narrow = { ...field, ...more[name] };
    return [name, required.has(name) ? narrow : orNull(narrow)];
  });
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: [...required],
    additionalProperties: false,
    ...rest,
  };
}

/** The package's; a Worker has no package.json to read it from. */
const VERSION = '0.1.0';

/** `server`: where clients reach the API, relative to the document's host or absolute. */
export function openApi(
  endpoints: readonly Endpoint[],
  models: readonly ModelEntry[],
  { keys, server }: { keys: boolean; server: string },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints)
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: operationOf(endpoint, models, keys) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'pocketgen',
      version: VERSION,
      description:
        'Pictures from small image generators, by seed. The same model, seed, class and truncation give the same ' +
        `bytes for ever. One answer has at most ${LIMITS.pixels} pixels, all its pictures or frames together, and a ` +
        `request body at most ${LIMITS.bodyBytes} bytes (${LIMITS.uploadBytes} where it is a picture). Unknown parameters are refused.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: server }],
    paths,
    components: {
      schemas: { problem, openAiError },
      ...(keys ? { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}
