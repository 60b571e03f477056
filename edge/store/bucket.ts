// A store in an R2 bucket, through the binding of a Worker.
import { contentOf, INDEX_KEY } from '../../contract/published.ts';
import type { ObjectStore, ServedStore } from './objects.ts';

interface BucketObject {
  key: string;
  etag: string;
  uploaded: Date;
}

interface BucketBody extends BucketObject {
  body: ReadableStream;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What is used of an `r2_buckets` binding of wrangler.toml. */
export interface Bucket {
  /** An object without a body: the condition was not met. */
  get(key: string, options?: { onlyIf: { etagDoesNotMatch: string } }): Promise<BucketBody | BucketObject | null>;
  /** Null: the condition was not met. */
  put(
    key: string,
    bytes: Uint8Array,
    options: { sha256?: string; onlyIf?: { etagMatches: string } | Headers },
  ): Promise<BucketObject | null>;
  list(options: { cursor?: string }): Promise<{ objects: BucketObject[]; truncated: boolean; cursor?: string }>;
  delete(key: string): Promise<void>;
}

export function bucketStore(bucket: Bucket): ObjectStore & ServedStore {
  return {
    where: 'R2',
    async get(key, known) {
      const object = await bucket.get(key, known === undefined ? undefined : { onlyIf: { etagDoesNotMatch: known } });
      if (object === null) return undefined;
      if (!('arrayBuffer' in object)) return 'unchanged';
      return { bytes: new Uint8Array(await object.arrayBuffer()), etag: object.etag };
    },
    async stream(key) {
      const object = await bucket.get(key);
      return object !== null && 'body' in object ? object.body : undefined;
    },
    async put(key, bytes) {
      const sha256 = contentOf(key);
      // R2 refuses bytes of another hash itself.
      await bucket.put(key, bytes, sha256 === undefined ? {} : { sha256 });
    },
    async replaceIndex(bytes, known) {
      const onlyIf = known === undefined ? new Headers({ 'If-None-Match': '*' }) : { etagMatches: known };
      return (await bucket.put(INDEX_KEY, bytes, { onlyIf })) !== null;
    },
    async *list() {
      for (let cursor: string | undefined; ; ) {
        const page = await bucket.list(cursor === undefined ? {} : { cursor });
        for (const { key, uploaded } of page.objects) yield { key, modified: uploaded.getTime() };
        if (!page.truncated) return;
        cursor = page.cursor;
      }
    },
    remove: (key) => bucket.delete(key),
  };
}
