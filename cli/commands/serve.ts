// `pocketgen serve`: the HTTP API and the page on this machine, from a folder of bundles.
import { type Command, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { type RunningServer, startServer } from '../../edge/node.ts';
import { PAGE } from '../page.ts';

interface ServeFlags {
  models: string;
  port: string;
  host: string;
  provider: 'wasm' | 'native';
  rateLimit: string;
  log?: boolean;
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^[0-9]{1,9}$/.test(text) || value > max)
    throw new UserError(`${name}: expected an integer from 0 to ${max}, got ${text}`);
  return value;
}

export const portOf = (text: string): number => whole('port', text, 65535);

/** Starts the server and tells where. It runs until Ctrl-C. */
export async function runServe(flags: ServeFlags): Promise<RunningServer> {
  const server = await startServer({
    models: flags.models,
    provider: flags.provider,
    port: portOf(flags.port),
    host: flags.host,
    perMinute: whole('rate-limit', flags.rateLimit, 999_999_999),
    keys: process.env.API_KEYS,
    log: flags.log ? (record) => console.log(JSON.stringify(record)) : undefined,
    page: PAGE,
    notice: (message) => console.error(message),
  });
  for (const { manifest, file, provider, openMs } of server.models.served.values())
    console.error(`${manifest.name}: ${file.variant}, ${provider}, goldens checked, ready in ${openMs.toFixed(0)} ms`);
  const name = server.models.served.keys().next().value;
  if (name === undefined) {
    await server.close();
    throw new UserError('models: expected at least one that passes its checks, got none; see the lines above');
  }
  console.error(
    `serving ${server.url}  (a picture: ${server.url}/v1/images/${name}/1.png?scale=8, the API: ${server.url}/docs)`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.close().then(() => process.exit(0)));
  return server;
}

export function registerServe(command: Command): void {
  command
    .option('--models <folder>', 'a folder of bundles, or one bundle', 'models')
    .option('--port <port>', 'port; 0 for any free one', '8787')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for the whole network', 'localhost')
    .addOption(
      new Option('--provider <name>', 'wasm: the same bytes as everywhere; native: faster, may differ by one level')
        .choices(['wasm', 'native'])
        .default('wasm'),
    )
    .option('--rate-limit <n>', 'requests a minute from one address; 0 for no limit', '600')
    .option('--log', 'print one JSON line per request')
    .addHelpText('after', '\nAPI_KEYS in the environment: bearer keys, separated by commas, that requests must carry.')
    .action(async (flags: ServeFlags) => void (await runServe(flags)));
}
