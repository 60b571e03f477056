// `--to`: which store a command means, and the credentials for it from the environment.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { INDEX_KEY } from '../../contract/published.ts';
import { folderStore, LOCK_FILE, UNFINISHED_FOLDER } from '../../edge/store/folder.ts';
import type { ObjectStore } from '../../edge/store/objects.ts';
import { isLeftBehind } from '../../train/data/tree.ts';
import { httpStore, s3Store } from './remote.ts';

/** The bucket that wrangler.toml proposes. */
const BUCKET = 'pocketgen-models';

type Environment = Readonly<Record<string, string | undefined>>;

function needed(env: Environment, name: string, what: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw new UserError(
    `${name}: expected ${what} in the environment, got none; docs/publish.md says where it comes from`,
  );
}

const tokenSchema = z.object({ result: z.object({ id: z.string() }) });

/**
 * Keys of the S3 API: R2's own, or made of the API token that wrangler takes, as Cloudflare documents it (the token's id
 * and the SHA-256 of its value).
 */
async function r2Keys(env: Environment): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  if (env.R2_ACCESS_KEY_ID)
    return {
      accessKeyId: env.R2_ACCESS_KEY_ID,
      secretAccessKey: needed(env, 'R2_SECRET_ACCESS_KEY', 'the secret of R2_ACCESS_KEY_ID'),
    };
  const token = needed(env, 'CLOUDFLARE_API_TOKEN', 'an API token (or R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY)');
  const api = env.CLOUDFLARE_API_BASE_URL ?? 'https://api.cloudflare.com/client/v4';
  const answer = await fetch(`${api}/user/tokens/verify`, { headers: { Authorization: `Bearer ${token}` } }).catch(
    (error: Error) => {
      const { cause } = error;
      throw new UserError(
        `${api}: expected an answer, got none (${cause instanceof Error ? cause.message : error.message}); check the network`,
      );
    },
  );
  if ([400, 401, 403].includes(answer.status))
    throw new UserError(
      `CLOUDFLARE_API_TOKEN: expected one that Cloudflare knows, got ${answer.status}; make a new one`,
    );
  const parsed = tokenSchema.safeParse(await answer.json().catch(() => undefined));
  if (!answer.ok || !parsed.success)
    throw new UserError(`${api}: expected the token's id, got status ${answer.status}; try again later`);
  return { accessKeyId: parsed.data.result.id, secretAccessKey: await sha256Hex(new TextEncoder().encode(token)) };
}

/** What a first publishing that was stopped leaves: the index, which makes it a store, is written last. */
const ofStores = new Set(['blobs', 'models', 'shards', UNFINISHED_FOLDER, LOCK_FILE]);

/** Refuses a file and, where a store would be made, a folder with something else in it: its owner would find ours among it. */
function checkStoreFolder(folder: string, makes: boolean): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || existsSync(join(folder, INDEX_KEY))) return;
  if (!found.isDirectory())
    throw new UserError(`--to: expected a folder, got ${folder}, which is a file; name another`);
  if (!makes) return;
  const other = readdirSync(folder).find((name) => !ofStores.has(name) && !isLeftBehind(name));
  if (other !== undefined)
    throw new UserError(
      `--to: expected a store or a new folder, got ${folder} with ${other} in it; move that or name another`,
    );
}

/**
 * `r2`, `r2:BUCKET`, an address of a pocketgen server, or a folder; `makes` a store where there is none. Throws UserError where a
 * credential is missing, and for a file or somebody's folder.
 */
export async function openTarget(
  to: string,
  env: Environment = process.env,
  { makes = false }: { makes?: boolean } = {},
): Promise<ObjectStore> {
  if (to.trim() === '') throw new UserError('--to: expected r2, r2:BUCKET, https://… or a folder, got nothing');
  if (/^https?:\/\//i.test(to)) return httpStore(to, needed(env, 'PUBLISH_TOKEN', 'the publish token of that server'));
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(to))
    throw new UserError(`--to: expected r2, r2:BUCKET, https://… or a folder, got ${to}`);
  const r2 = /^r2(?::(.*))?$/.exec(to);
  if (r2 === null) {
    checkStoreFolder(to, makes);
    return folderStore(to);
  }
  const bucket = r2[1] ?? BUCKET;
  if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket))
    throw new UserError(`--to: expected r2:BUCKET with a bucket's name, got ${to}`);
  const endpoint =
    env.R2_ENDPOINT ??
    `https://${needed(env, 'CLOUDFLARE_ACCOUNT_ID', 'the id of your Cloudflare account')}.r2.cloudflarestorage.com`;
  return s3Store({ endpoint, bucket, ...(await r2Keys(env)) });
}
