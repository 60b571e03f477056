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
    /** The bucket that `pocketgen publish` publishes to. */
    MODELS?: import('./store/bucket.ts').Bucket;
    /** So old may be what the Worker knows of that bucket; 10 if absent. */
    MODELS_SECONDS?: string;
    /** With these tokens, separated by commas, one may publish to MODELS through the Worker. */
    PUBLISH_TOKEN?: string;
    /** The page's files. */
    ASSETS?: { fetch(address: string): Promise<Response> };
    /** `off` leaves the Cache API alone. */
    CACHE?: string;
  };

  /** Lets work go on that outlives the request under way. */
  export function waitUntil(work: Promise<unknown>): void;
}
