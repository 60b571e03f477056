// The Worker in real workerd for the edge's tests: wrangler.toml as it is, with the bundles and variables of a test.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unstable_startWorker } from 'wrangler';

/** The repository's bundles (or those of POCKETGEN_MODELS): their folders, by name. */
const folder = process.env.POCKETGEN_MODELS ?? 'models';
export const PUBLISHED: ReadonlyMap<string, string> = new Map(
  (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => existsSync(join(folder, name, 'model.json')))
    .map((name) => [name, join(folder, name)]),
);

export interface Workerd {
  /** `http://localhost:port` */
  url: string;
  stop(): Promise<void>;
}

/** `vars`: variables and secrets; CACHE is off unless named. `buckets`: R2 buckets by binding, empty ones. */
export function startWorkerd(
  models: string,
  vars: Readonly<Record<string, string>> = {},
  buckets: Readonly<Record<string, string>> = {},
): Promise<Workerd> {
  process.env.POCKETGEN_MODELS = models; // for edge/build.ts, which wrangler runs first
  const config = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));
  return startConfig(config, { CACHE: 'off', RATE_LIMIT_PER_MINUTE: '1000000', ...vars }, buckets);
}

/** The Worker of a wrangler.toml. */
export async function startConfig(
  config: string,
  vars: Readonly<Record<string, string>> = {},
  buckets: Readonly<Record<string, string>> = {},
): Promise<Workerd> {
  const worker = await unstable_startWorker({
    config,
    bindings: Object.fromEntries([
      ...Object.entries(vars).map(([name, value]) => [name, { type: 'plain_text' as const, value }] as const),
      ...Object.entries(buckets).map(
        ([name, bucket_name]) => [name, { type: 'r2_bucket' as const, bucket_name }] as const,
      ),
    ]),
    dev: {
      server: { hostname: '127.0.0.1', port: 0 },
      inspector: false,
      watch: false,
      persist: false,
      logLevel: 'error',
      remote: false,
    },
  });
  await worker.ready;
  return {
    url: (await worker.url).origin,
    // wrangler's teardown has been seen to wait for ever. What it leaves ends with this process.
    stop: () => Promise.race([worker.dispose(), setTimeout(20_000, undefined, { ref: false })]),
  };
}
