// The address at which clients reach this server, for addresses in answers. What a client says of it (Host, Forwarded) may be
// made up, so a setting goes before it, and a proxy's word is taken only where the operator says that one is in front.
import type { Context } from 'hono';
import { UserError } from '../contract/errors.ts';
import type { AppEnv } from './services.ts';

export interface AddressOptions {
  /** Where clients reach the root of this server: `https://pictures.example`, or with a path where a proxy takes it off. */
  publicUrl?: string | undefined;
  /**
   * A proxy in front always sets `Forwarded` or `X-Forwarded-Proto`, `-Host` and `-Prefix`. The last value counts, which is
   * the nearest proxy's; what a client wrote before it does not.
   */
  trustForwarded?: boolean | undefined;
}

export interface Addresses {
  /** Of the API, without a slash at the end: `https://pictures.example/art`. */
  absolute(c: Context<AppEnv>): string;
  /** For answers that caches keep: never a scheme or host that a request made up, so only the path unless publicUrl is set. */
  kept(c: Context<AppEnv>): string;
}

/** PUBLIC_URL and TRUST_FORWARDED of an environment. Throws UserError where one of them makes no sense. */
export function addressSettings(env: {
  PUBLIC_URL?: string | undefined;
  TRUST_FORWARDED?: string | undefined;
}): AddressOptions {
  const { PUBLIC_URL: publicUrl, TRUST_FORWARDED: trust = '' } = env;
  if (!/^(|0|1|false|true|no|yes)$/i.test(trust))
    throw new UserError(`TRUST_FORWARDED: expected 1 or 0, got ${trust.slice(0, 60)}`);
  return { publicUrl: publicUrl ? checked(publicUrl) : undefined, trustForwarded: /^(1|true|yes)$/i.test(trust) };
}

/** Throws UserError where `publicUrl` is no address. */
export function createAddresses({ publicUrl, trustForwarded = false }: AddressOptions): Addresses {
  const root = publicUrl === undefined ? undefined : checked(publicUrl);
  const prefix = (c: Context<AppEnv>) => (trustForwarded ? prefixOf(c.req.header('X-Forwarded-Prefix')) : '');
  return {
    absolute: (c) => `${root ?? originOf(c, trustForwarded) + prefix(c)}${c.get('pocketgen.base')}`,
    kept: (c) => `${root ?? prefix(c)}${c.get('pocketgen.base')}`,
  };
}

function checked(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.href.replace(/\/+$/, '') !== plain)
    throw new UserError(
      `PUBLIC_URL (publicUrl): expected an address such as https://pictures.example or https://pictures.example/api, got ${text.slice(0, 80)}`,
    );
  return plain;
}

const lastOf = (list: string | undefined): string | undefined => list?.split(',').at(-1)?.trim();

function originOf(c: Context<AppEnv>, trustForwarded: boolean): string {
  const { origin, protocol, host } = new URL(c.req.url);
  if (!trustForwarded) return origin;
  const forwarded = lastOf(c.req.header('Forwarded')) ?? ''; // RFC 7239
  const said = (parameter: string, header: string) =>
    new RegExp(`(?:^|;)\\s*${parameter}="?([^";]+)`, 'i').exec(forwarded)?.[1] ?? lastOf(c.req.header(header));
  const proto = said('proto', 'X-Forwarded-Proto')?.toLowerCase();
  const name = said('host', 'X-Forwarded-Host');
  const scheme = proto === 'https' || proto === 'http' ? `${proto}:` : protocol;
  return `${scheme}//${name !== undefined && /^([\w.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(name) ? name : host}`;
}

/** `/api`, or nothing for what is no plain path. */
function prefixOf(header: string | undefined): string {
  const prefix = lastOf(header)?.replace(/\/+$/, '') ?? '';
  return /^(\/[\w.~%-]+)+$/.test(prefix) && !/\/\.\.?(\/|$)/.test(prefix) ? prefix : '';
}
