// Errors as RFC 9457 problem details, with one entry per wrong field; in OpenAI's shape under the OpenAI route.
import { UserError } from '../contract/errors.ts';

export interface FieldError {
  in: 'path' | 'query' | 'header' | 'body';
  name: string;
  /** `expected X, got Y` */
  detail: string;
}

export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly fields: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
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

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  413: 'Body too large',
  415: 'Unsupported media type',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Model not served',
};

const OPENAI_CODES: Readonly<Record<number, string>> = {
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
  const title = TITLES[status] ?? 'Error';
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
