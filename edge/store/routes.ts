// The store over HTTP, for `pocketgen publish --to https://…`: its objects under /store/, for who has a publish token.
// An upload must have the hash that its name says and be what its place in the store asks for; the index is replaced by
// who names the one before it (If-Match) and by nobody else. Without a token set there are no such routes.
import type { Context, Hono } from 'hono';
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { contentOf, INDEX_KEY, parseIndex, parsePublishedManifest, parseShard } from '../../contract/published.ts';
import { matches } from '../answer.ts';
import { segmentsOf } from '../endpoint.ts';
import { notAllowed, Problem } from '../problem.ts';
import { createKeyCheck } from '../protect/keys.ts';
import type { AppEnv, PocketgenOptions } from '../services.ts';
import { STORE_HEADER } from './objects.ts';

/** Of one object. A Worker holds it whole to compare its hash. */
export const OBJECT_BYTES = 32 * 2 ** 20;

/** The body, at most OBJECT_BYTES of it. */
async function bodyOf(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new Problem(413, `body: expected at most ${OBJECT_BYTES} bytes, got more`);
  if (Number(request.headers.get('Content-Length') ?? 0) > OBJECT_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > OBJECT_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Throws a 400 unless these bytes belong under that key. */
async function checkObject(key: string, bytes: Uint8Array): Promise<void> {
  const content = contentOf(key);
  const hash = await sha256Hex(bytes);
  if (content !== undefined && content !== hash)
    throw new Problem(400, `body: expected SHA-256 ${content}, got ${hash}; send it again`);
  try {
    if (key === INDEX_KEY) parseIndex(bytes);
    if (key.startsWith('shards/')) parseShard(key, bytes);
    if (key.startsWith('models/')) parsePublishedManifest(key, bytes);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new Problem(400, error.message);
  }
}

export function storeRoutes(
  app: Hono<AppEnv>,
  { to: store, tokens }: NonNullable<PocketgenOptions['publishing']>,
): void {
  const mayPublish = createKeyCheck(tokens);
  app.use('/store/*', async (c, next) => {
    if (!(await mayPublish?.(c.req.header('Authorization'))))
      throw new Problem(401, 'authorization: expected a publish token, got none or a wrong one', [], {
        'WWW-Authenticate': 'Bearer',
        [STORE_HEADER]: '1',
      });
    await next();
    c.header('Cache-Control', 'no-store');
    c.header(STORE_HEADER, '1');
  });

  app.get('/store', async (c) => {
    const objects = [];
    for await (const object of store.list()) if (contentOf(object.key) !== undefined) objects.push(object);
    return c.json({ objects });
  });

  const keyOf = (c: Context<AppEnv>): string => {
    const key = segmentsOf(c).slice(1).join('/');
    if (key === INDEX_KEY || contentOf(key) !== undefined) return key;
    throw new Problem(404, `path: expected an object of a store, got ${key.slice(0, 60)}`);
  };

  app.get('/store/:key{.+}', async (c) => {
    const object = await store.get(keyOf(c));
    if (object === undefined || object === 'unchanged') throw new Problem(404, 'store: expected an object, got none');
    const headers = { ETag: `"${object.etag}"`, 'Content-Type': 'application/octet-stream' };
    if (matches(c.req.header('If-None-Match'), headers.ETag)) return new Response(null, { status: 304, headers });
    return new Response(object.bytes, { headers });
  });

  app.put('/store/:key{.+}', async (c) => {
    const key = keyOf(c);
    const bytes = await bodyOf(c.req.raw);
    await checkObject(key, bytes);
    if (key !== INDEX_KEY) {
      await store.put(key, bytes);
      return c.body(null, 204);
    }
    const [known, none] = [c.req.header('If-Match'), c.req.header('If-None-Match')];
    if (known === undefined && none !== '*')
      throw new Problem(
        428,
        'If-Match: expected the ETag of the index before this one, or If-None-Match: *, got neither',
      );
    const replaced = await store.replaceIndex(bytes, known?.replace(/^"|"$/g, ''));
    if (!replaced) throw new Problem(412, 'If-Match: expected the index of now, got one before it; read it again');
    return c.body(null, 204);
  });

  app.delete('/store/:key{.+}', async (c, next) => {
    const key = keyOf(c);
    if (key === INDEX_KEY) return next(); // it is replaced, never taken away
    await store.remove(key);
    return c.body(null, 204);
  });

  app.all('/store', (c) => {
    throw notAllowed(['GET', 'HEAD'], c.req.method);
  });
  app.all('/store/:key{.+}', (c) => {
    throw notAllowed(['GET', 'HEAD', 'PUT', ...(keyOf(c) === INDEX_KEY ? [] : ['DELETE'])], c.req.method);
  });
}
