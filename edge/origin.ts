// The address that a client has reached this server at, for addresses in answers. A proxy that ends TLS says it in Forwarded
// (RFC 7239) or X-Forwarded-Proto and -Host. A client may write them too: only its own answer changes, and none is cached.
import type { Context } from 'hono';
import type { AppEnv } from './services.ts';

/** `https://pictures.example`, without a slash at the end. */
export function originOf(c: Context<AppEnv>): string {
  const { protocol, host } = new URL(c.req.url);
  const forwarded = c.req.header('Forwarded')?.split(',')[0] ?? '';
  const said = (parameter: string, header: string) =>
    new RegExp(`(?:^|;)\\s*${parameter}="?([^";]+)`, 'i').exec(forwarded)?.[1] ??
    c.req.header(header)?.split(',')[0]?.trim();
  const proto = said('proto', 'X-Forwarded-Proto')?.toLowerCase();
  const name = said('host', 'X-Forwarded-Host');
  const scheme = proto === 'https' || proto === 'http' ? `${proto}:` : protocol;
  return `${scheme}//${name !== undefined && /^([\w.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(name) ? name : host}`;
}
