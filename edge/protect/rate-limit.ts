// Rate limits: the counters of Cloudflare's binding on Workers, a table in memory on Node. Headers as in
// draft-ietf-httpapi-ratelimit-headers-10: RateLimit-Policy: "default";q=600;w=60 and RateLimit: "default";r=599;t=60

export interface RateDecision {
  allowed: boolean;
  /** Requests left in this window; Cloudflare's binding does not tell. */
  remaining: number | undefined;
  /** Seconds until the window ends. */
  reset: number;
}

export interface RateLimiter {
  limit: number;
  /** Seconds. */
  period: number;
  take(client: string): Promise<RateDecision>;
}

export function rateHeaders({ limit, period }: RateLimiter, { allowed, remaining, reset }: RateDecision) {
  const headers: Record<string, string> = { 'RateLimit-Policy': `"default";q=${limit};w=${period}` };
  if (remaining !== undefined || !allowed) headers.RateLimit = `"default";r=${remaining ?? 0};t=${reset}`;
  if (!allowed) headers['Retry-After'] = String(reset);
  return headers;
}

/** Fixed windows in memory. Clients are forgotten with their window, so the table does not grow. */
export function memoryLimiter(limit: number, period: number, now: () => number = Date.now): RateLimiter {
  let counts = new Map<string, number>();
  let end = 0; // milliseconds; one window for everyone
  return {
    limit,
    period,
    async take(client) {
      const time = now();
      if (time >= end) {
        counts = new Map();
        end = time + period * 1000;
      }
      const count = (counts.get(client) ?? 0) + 1;
      counts.set(client, count);
      return { allowed: count <= limit, remaining: Math.max(limit - count, 0), reset: Math.ceil((end - time) / 1000) };
    },
  };
}

/** What a `ratelimits` binding of wrangler.toml offers. */
export interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export function bindingLimiter(binding: RateLimitBinding, limit: number, period: number): RateLimiter {
  return {
    limit,
    period,
    async take(client) {
      const { success } = await binding.limit({ key: client });
      return { allowed: success, remaining: undefined, reset: period };
    },
  };
}
