// `pocketgen serve`: the HTTP API and the page on this machine, from a folder of bundles.
import { type Command, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { addressSettings } from '../../edge/address.ts';
import { bundleFolders } from '../../edge/bundles.ts';
import { type RunningServer, startServer } from '../../edge/node.ts';
import type { LogRecord } from '../../edge/services.ts';
import { port, wholeFrom } from '../numbers.ts';
import { PAGE } from '../page.ts';

interface ServeFlags {
  models: string;
  store?: string;
  port: number;
  host: string;
  provider: 'wasm' | 'native';
  rateLimit: number;
  log?: boolean;
}

/** Lines on standard output for as long as somebody reads them: a server outlives the reader of its log. */
function logLines(): (record: LogRecord) => void {
  let isRead = true;
  process.stdout.on('error', () => {
    if (isRead) console.error('log: nobody reads it any more; serving on without it');
    isRead = false;
  });
  return (record) => {
    if (isRead) console.log(JSON.stringify(record));
  };
}

/** Starts the server and tells where. It runs until Ctrl-C. */
export async function runServe(flags: ServeFlags): Promise<RunningServer> {
  if (flags.store === undefined) {
    bundleFolders(flags.models); // throws where there is none
    if (process.env.PUBLISH_TOKEN)
      console.error('PUBLISH_TOKEN: expected --store with it, got none; nobody can publish to this server');
  }
  const server = await startServer({
    models: flags.models,
    store: flags.store,
    publishTokens: process.env.PUBLISH_TOKEN,
    provider: flags.provider,
    port: flags.port,
    host: flags.host,
    perMinute: flags.rateLimit,
    keys: process.env.API_KEYS,
    ...addressSettings(process.env),
    log: flags.log ? logLines() : undefined,
    page: PAGE,
    notice: (message) => console.error(message),
  });
  const models = await server.models.list();
  for (const { name, variant, opened } of models)
    if (opened !== undefined)
      console.error(
        `${name}: ${variant}, ${opened.provider}, goldens checked, ready in ${opened.openMs.toFixed(0)} ms`,
      );
  const name = models[0]?.name;
  if (name === undefined && flags.store === undefined) {
    await server.close();
    throw new UserError('models: expected at least one that passes its checks, got none; see the lines above');
  }
  const picture = name === undefined ? '' : `a picture: ${server.url}/v1/images/${name}/1.png?scale=8, `;
  console.error(`serving ${server.url}  (${picture}the API: ${server.url}/docs)`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.close().then(() => process.exit(0)));
  return server;
}

export function registerServe(command: Command): void {
  command
    .option('--models <folder>', 'a folder of bundles, or one bundle', 'models')
    .option('--store <folder>', 'also serve what pocketgen publish --to FOLDER has published there')
    .option('--port <port>', 'port; 0 for any free one', port, 8787)
    .option('--host <address>', 'address to listen on; 0.0.0.0 for the whole network', 'localhost')
    .addOption(
      new Option('--provider <name>', 'wasm: the same bytes as everywhere; native: faster, may differ by one level')
        .choices(['wasm', 'native'])
        .default('wasm'),
    )
    .option('--rate-limit <n>', 'requests a minute from one address; 0 for no limit', wholeFrom(0, 999_999_999), 600)
    .option('--log', 'print one JSON line per request')
    .addHelpText(
      'after',
      [
        '',
        'In the environment:',
        '  API_KEYS         bearer keys, separated by commas, that requests must carry',
        '  PUBLIC_URL       where clients reach the server, for addresses in answers: https://pictures.example',
        '  PUBLISH_TOKEN    with --store: tokens, separated by commas, with which one may publish to this server',
        '  TRUST_FORWARDED  1: a proxy in front always sets Forwarded or X-Forwarded-Proto, -Host, -Prefix and -For',
      ].join('\n'),
    )
    .action(async (flags: ServeFlags) => void (await runServe(flags)));
}
