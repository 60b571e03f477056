// Stores that are reached over HTTP: a pocketgen server with a publish token (edge/store/routes.ts), and R2 through the S3 API.
// Both speak of objects alike (GET, PUT, DELETE, ETag, If-Match); they differ in who signs and in how a list is written.
import { AwsClient } from 'aws4fetch';
import * as z from 'zod';
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { INDEX_KEY } from '../../contract/published.ts';
import { type ListedObject, type ObjectStore, STORE_HEADER } from '../../edge/store/objects.ts';

interface Remote {
  where: string;
  /** Of the store: an object is at `address/KEY`, the list at `address` or with a query behind it. */
  address: string;
  /** Said of an answer of 401 or 403. */
  credentials: string;
  /** Sends a request as somebody who may. Throws what `fetch` throws, or a UserError where asking again is of no use. */
  send(url: string, init: RequestInit & { body?: Uint8Array<ArrayBuffer> }): Promise<Response>;
  list(ask: (query: string) => Promise<string>): AsyncIterable<ListedObject>;
}

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;

function remoteStore({ where, address, credentials, send, list }: Remote): ObjectStore {
  /** The answer, if its status is one of `expected`. A server that does not answer, or says that it cannot now, is asked again. */
  async function ask(path: string, init: Parameters<Remote['send']>[1], ...expected: number[]): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const answer = await send(`${address}${path}`, init).catch((error: Error) => {
        if (error instanceof UserError) throw error;
        return error;
      });
      if (answer instanceof Response && expected.includes(answer.status)) return answer;
      const status = answer instanceof Response ? answer.status : 0;
      const said = answer instanceof Response ? await sentenceIn(answer) : ` (${reasonOf(answer)})`;
      if (status === 401 || status === 403)
        throw new UserError(`${where}: expected ${credentials}, got ${status}${said}`);
      if (attempt === ATTEMPTS || (status >= 400 && status < 500 && status !== 429))
        throw new UserError(
          `${where}: expected it to take ${init.method} ${path || 'of its list'}, got ${status || 'no answer'}${said}`,
        );
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (attempt - 1)));
    }
  }

  return {
    where,
    async get(key, known) {
      const headers = known === undefined ? {} : { 'If-None-Match': known };
      const answer = await ask(pathOf(key), { method: 'GET', headers }, 200, 304, 404);
      if (answer.status === 304) return 'unchanged';
      if (answer.status === 404) return undefined;
      return { bytes: new Uint8Array(await answer.arrayBuffer()), etag: answer.headers.get('ETag') ?? '' };
    },
    async put(key, bytes) {
      await ask(pathOf(key), { method: 'PUT', body: bytes }, 200, 201, 204);
    },
    async replaceIndex(bytes, known) {
      const headers: Record<string, string> = known === undefined ? { 'If-None-Match': '*' } : { 'If-Match': known };
      // 409: S3's answer to two conditional writes at the same moment.
      const answer = await ask(pathOf(INDEX_KEY), { method: 'PUT', body: bytes, headers }, 200, 201, 204, 409, 412);
      return answer.status < 400;
    },
    list: () => list(async (query) => (await ask(query, { method: 'GET' }, 200)).text()),
    async remove(key) {
      await ask(pathOf(key), { method: 'DELETE' }, 200, 204, 404);
    },
  };
}

/** Encoded as signatures have it: some servers sign the `@` of a version as it was sent, others as %40. */
const pathOf = (key: string): string => `/${encodeURIComponent(key).replaceAll('%2F', '/')}`;

const reasonOf = ({ cause, message }: Error): string => (cause instanceof Error ? cause.message : message);

/** What a refusal says: the detail of a problem, the message of S3's XML, or nothing. */
async function sentenceIn(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => '');
  const said = /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? /<Message>([^<]*)<\/Message>/.exec(text)?.[1];
  return said === undefined ? '' : ` (${said})`;
}

const listSchema = z.object({ objects: z.array(z.object({ key: z.string(), modified: z.number() })) });

/** The store of a pocketgen server, whose base address this is. */
export function httpStore(server: string, token: string): ObjectStore {
  return remoteStore({
    where: server,
    address: `${server.replace(/\/+$/, '')}/store`,
    credentials: 'a publish token that this server takes in PUBLISH_TOKEN',
    async send(url, init) {
      const answer = await fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
      if (answer.ok || answer.headers.has(STORE_HEADER) || answer.status >= 500) return answer;
      throw new UserError(
        `${server}: expected a server that takes models (one with a store and PUBLISH_TOKEN), got one that answers ${answer.status}; see docs/publish.md`,
      );
    },
    async *list(ask) {
      yield* listSchema.parse(JSON.parse(await ask(''))).objects;
    },
  });
}

export interface S3Options {
  /** `https://ACCOUNT.r2.cloudflarestorage.com` */
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** A bucket through the S3 API, as R2 has it: conditional PUT, ListObjectsV2. */
export function s3Store({ endpoint, bucket, ...keys }: S3Options): ObjectStore {
  const client = new AwsClient({ ...keys, service: 's3', region: 'auto', retries: 0 });
  return remoteStore({
    where: `bucket ${bucket}`,
    address: `${endpoint.replace(/\/+$/, '')}/${bucket}`,
    credentials: 'credentials that may read and write objects of this bucket',
    async send(url, init) {
      // Signed with the body's hash, which the store then compares with what has arrived.
      const hash = await sha256Hex(init.body ?? new Uint8Array());
      return client.fetch(url, { ...init, headers: { ...init.headers, 'X-Amz-Content-Sha256': hash } });
    },
    async *list(ask) {
      for (let token: string | undefined; ; ) {
        const more = token === undefined ? '' : `&continuation-token=${encodeURIComponent(token)}`;
        const xml = await ask(`?list-type=2${more}`);
        // Keys of ours hold nothing that XML would escape; what is not matched is none of ours.
        for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const key = tag(entry, 'Key');
          if (key !== undefined) yield { key, modified: Date.parse(tag(entry, 'LastModified') ?? '') };
        }
        token = tag(xml, 'NextContinuationToken');
        if (token === undefined) return;
      }
    },
  });
}

const tag = (xml: string, name: string): string | undefined => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
