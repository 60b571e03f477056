// Errors as RFC 9457 problem details, with one entry per wrong field; in OpenAI's shape under the OpenAI route.
import { UserError } from '../contract/errors.ts';

export interface FieldError {
  in: 'path' | 'query' | 'header' | 'body';
  name: string;
  /** `expected X, got Y` */
  detail: string;
}

/** Every status that a problem has: its title, and what /docs, where its type leads, says it means. */
export const STATUSES = {
  400: { title: 'Bad request', meaning: 'a field is wrong' },
  401: { title: 'Unauthorized', meaning: 'no or a wrong bearer key' },
  404: { title: 'Not found', meaning: 'no such model, version, format or path' },
  405: { title: 'Method not allowed', meaning: 'another method than the path has, see Allow' },
  412: { title: 'Precondition failed', meaning: 'the index of the store is no longer the one that was named' },
  413: { title: 'Body too large', meaning: 'body too large' },
  415: { title: 'Unsupported media type', meaning: 'body not JSON, or no picture in a format that is read' },
  428: { title: 'Precondition required', meaning: 'the index of the store is replaced by who names the one before it' },
  429: { title: 'Too many requests', meaning: 'too many requests, see Retry-After' },
  500: { title: 'Internal error', meaning: 'our fault' },
  503: { title: 'Model not served', meaning: 'the model failed its checks, or none is served' },
} as const;
export type Status = keyof typeof STATUSES;

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: Status;
  readonly fields: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: Status,
    detail: string,
    fields: readonly FieldError[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.status = status;
    this.fields = fields;
    this.headers = headers;
  }
}

export function badField(where: FieldError['in'], name: string, detail: string): Problem {
  return new Problem(400, `${name}: ${detail}`, [{ in: where, name, detail }]);
}

/** Runs what may throw a UserError about a request's field, and makes that a 400 naming the field. */
export function fieldOf<T>(where: FieldError['in'], name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw badField(where, name, error.message.replace(/^[^:]*: /, ''));
  }
}

/** 405 with the methods that there are. */
export function notAllowed(methods: readonly string[], got: string): Problem {
  return new Problem(405, `method: expected ${methods.join(' or ')}, got ${got}`, [], { Allow: methods.join(', ') });
}

const OPENAI_CODES: Readonly<Partial<Record<Status, string>>> = {
  401: 'invalid_api_key',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
};

/** Answers in OpenAI's shape alone. What is below it are pictures of a model that is called so. */
export const isOpenAiPath = (path: string): boolean => path === '/v1/images/generations';

/** Also asked by OpenAI's clients: its problems carry OpenAI's `error` as well. */
const isModelsPath = (path: string): boolean => /^\/v1\/models(\/|$)/.test(path);

/** `path`: below where the app is mounted; `base`: where clients reach that. */
export function problemResponse(problem: Problem, path: string, base: string, requestId: string): Response {
  const { status, message, fields } = problem;
  const headers = new Headers({ ...problem.headers, 'Cache-Control': 'no-store' });
  const kind = status === 429 ? 'requests' : status < 500 ? 'invalid_request_error' : 'server_error';
  const error = { message, type: kind, param: fields[0]?.name ?? null, code: OPENAI_CODES[status] ?? null };
  if (isOpenAiPath(path)) return Response.json({ error }, { status, headers });
  headers.set('Content-Type', 'application/problem+json');
  const { title } = STATUSES[status];
  const type = `${base}/docs#status-${status}`;
  const body = {
    type,
    title,
    status,
    detail: message,
    instance: `urn:uuid:${requestId}`,
    ...(fields.length > 0 ? { errors: fields } : {}),
    ...(isModelsPath(path) ? { error } : {}),
  };
  return new Response(JSON.stringify(body), { status, headers });
}
