// The part of the Workers runtime that is used. Cloudflare's own types would redefine the DOM's for the whole project.
declare module 'cloudflare:workers' {
  /** Bindings, variables and secrets; wrangler.toml names them. */
  export const env: {
    API_KEYS?: string;
    /** Requests a client may make in a minute; must be the limit of the RATE_LIMIT binding. */
    RATE_LIMIT_PER_MINUTE?: string;
    RATE_LIMIT?: { limit(options: { key: string }): Promise<{ success: boolean }> };
    /** Where clients reach the Worker, for addresses in answers; the request's own address if absent. */
    PUBLIC_URL?: string;
    /** `1`: a proxy in front always sets Forwarded or X-Forwarded-*. */
    TRUST_FORWARDED?: string;
    /** `off` leaves the Cache API alone. */
    CACHE?: string;
  };
}
