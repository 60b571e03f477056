// The OpenAPI 3.1 document, made from the endpoints' zod schemas and the models served.
import type * as z from 'zod';
import { LIMITS } from '../contract/limits.ts';
import { type Endpoint, exampleFor } from './endpoint.ts';
import type { OpenModels } from './models.ts';
import { fieldsOf, type JsonSchema, requiredOf } from './parameters.ts';

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

const openAiError = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { message: {}, type: {}, param: {}, code: {} },
    },
  },
};

function parametersOf({ path, query }: Endpoint, models: OpenModels) {
  const parameters: object[] = [];
  if (path.includes('{model}')) {
    const schema = { type: 'string', ...(models.served.size > 0 ? { enum: [...models.served.keys()] } : {}) };
    parameters.push({ name: 'model', in: 'path', required: true, schema });
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

function operationOf(endpoint: Endpoint, models: OpenModels, keys: boolean) {
  const { id, summary, body, answers, immutable } = endpoint;
  const manifest = models.served.values().next().value?.manifest;
  const example = manifest && exampleFor(endpoint, manifest).body;
  const mayAsk = endpoint.path.startsWith('/v1/');
  const error = endpoint.method === 'post' ? 'openAiError' : 'problem';
  const type = endpoint.method === 'post' ? 'application/json' : 'application/problem+json';
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
                schema: bodySchema(body, endpoint.bodyFor?.(models) ?? { properties: {} }),
                ...(example === undefined ? {} : { example }),
              },
            },
          },
        }
      : {}),
    ...(keys && mayAsk ? { security: [{ key: [] }] } : {}),
    responses: {
      200: { description: Object.values(answers).join(' ') || 'The answer.', content },
      ...(immutable ? { 304: { description: 'Not modified: If-None-Match has the ETag. Nothing is drawn.' } } : {}),
      400: failure('A parameter is wrong, unknown or repeated, or the answer would be too large.'),
      ...(mayAsk && keys ? { 401: failure('No bearer key, or a wrong one.') } : {}),
      ...(endpoint.path.includes('{') || body ? { 404: failure('No such model or format.') } : {}),
      405: failure('Another method than this path has, see Allow.'),
      ...(body
        ? {
            413: failure(`A body of more than ${LIMITS.bodyBytes} bytes.`),
            415: failure('A body that is not application/json.'),
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

export function openApi(endpoints: readonly Endpoint[], models: OpenModels, keys: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints)
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: operationOf(endpoint, models, keys) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'pocketgen',
      version: '1.0.0',
      description:
        'Pictures from small image generators, by seed. The same model, seed, class and truncation give the same ' +
        `bytes for ever. One answer has at most ${LIMITS.pixels} pixels, all its pictures or frames together, and a ` +
        `request body at most ${LIMITS.bodyBytes} bytes. Unknown parameters are refused.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // Relative to this document: right behind every proxy.
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { problem, openAiError },
      ...(keys ? { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}
