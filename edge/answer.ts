// Pictures: strong ETag from what decides the bytes, 304 and HEAD
// without drawing anything, and a store (the Cache API on Workers) asked before the network runs. The address
// of a version never changes what it means; that of a model alone does when another version takes its place.
import type { Context } from 'hono';
import { sha256Hex } from '../contract/bundle.ts';
import { versionedName } from '../contract/version.ts';
import type { Requested } from './lending.ts';
import type { ServedModel } from './models.ts';
import type { AppEnv, Services } from './services.ts';
import type { Timing } from './timing.ts';

/** Part of every ETag; raise it when an encoder's output changes for the same pixels. */
const ENCODING = 1;

export interface Answer {
  type: string;
  /** Everything that decides the bytes, the model's hash first. */
  key: readonly (string | number)[];
  /** The path of the same answer for another name of the model. */
  path(name: string): string;
  draw(model: ServedModel, timing: Timing): Promise<Uint8Array<ArrayBuffer> | string>;
}

export async function etagOf(key: readonly (string | number)[]): Promise<string> {
  return `"${(await sha256Hex(new TextEncoder().encode(JSON.stringify([ENCODING, ...key])))).slice(0, 32)}"`;
}

/** If-None-Match, RFC 9110 section 13.1.2: a list of tags compared weakly, or `*`. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** How long the address of a model alone may be believed to mean the same version: seconds. */
const CURRENT_FOR = 60;

export async function answer(
  c: Context<AppEnv>,
  services: Services,
  model: Requested,
  { type, key, path, draw }: Answer,
): Promise<Response> {
  const etag = await etagOf(key);
  const audience = services.keys === undefined ? 'public' : 'private';
  const { name, version, changes } = model.entry;
  const life = model.pinned ? 'max-age=31536000, immutable' : changes ? 'no-cache' : `max-age=${CURRENT_FOR}`;
  const { search } = new URL(c.req.url);
  const pinnedAddress = `${services.addresses.kept(c)}${path(versionedName(name, version))}${search}`;
  const headers = {
    'Content-Type': type,
    'Cache-Control': `${audience}, ${life}`,
    ETag: etag,
    ...(model.pinned ? {} : { 'Content-Location': pinnedAddress }),
    // Pictures are meant to be shown on other sites, also on those that isolate themselves.
    'Cross-Origin-Resource-Policy': 'cross-origin',
  };
  if (matches(c.req.header('If-None-Match'), etag)) return new Response(null, { status: 304, headers });
  if (c.req.method === 'HEAD') return new Response(null, { headers });
  const kept = await services.store?.find(c, etag);
  if (kept) return new Response(kept.body, { headers: { ...headers, 'Cache-Status': 'pocketgen; hit' } });
  const served = await model.open();
  const response = new Response(await draw(served, c.get('pocketgen.timing')), { headers });
  services.store?.keep(c, etag, response.clone());
  return response;
}
