// `pocketgen start`, which is `npm start`: pictures → trained generator → checked bundle → page and API on this machine.
// Each part that is already there is used as it is, so a second start serves at once and a stopped one goes on.
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { bundleName, checkBundleFolder } from '../../export/folder.ts';
import { verifyBundle } from '../../export/verify.ts';
import { PRESETS } from '../../train/recipe.ts';
import { addDataOptions, type DataFlags, dataFlagsOf, dataHelp } from '../data-options.ts';
import { runExport } from './bundle.ts';
import { runServe } from './serve.ts';
import { runTraining } from './train.ts';

interface StartFlags extends DataFlags {
  preset: string;
  data: string;
  name?: string;
  minutes: string;
  port: string;
  mirror?: boolean;
  serve: boolean;
}

/** The folder's name as far as an address can have it, else the preset's. */
function nameFor({ name, data, preset }: StartFlags): string {
  if (name !== undefined) return bundleName(name);
  const own = existsSync(data)
    ? basename(resolve(data))
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
    : '';
  return own.replace(/^-+|-+$/g, '').slice(0, 63) || preset;
}

export async function runStart(flags: StartFlags): Promise<void> {
  const name = nameFor(flags);
  const bundle = join('models', name);
  if (existsSync(join(bundle, 'model.json'))) {
    console.error(`bundle ${bundle}: already there; delete it to train again`);
  } else {
    const minutes = Number(flags.minutes);
    if (!(minutes > 0)) throw new UserError(`minutes: expected a number above 0, got ${flags.minutes}`);
    checkBundleFolder(bundle);
    const { preset, data, mirror } = flags;
    const stopped = await runTraining({
      preset,
      data,
      out: join('runs', name),
      engine: 'auto',
      minutes,
      evaluations: 4,
      ...dataFlagsOf(flags),
      ...(mirror && { mirror }),
    });
    if (stopped.interrupted) return;
    await runExport(stopped.dir, bundle, 'fp16,fp32,int8');
  }
  for (const { variant, provider, goldens, levels } of await verifyBundle(bundle)) {
    console.error(`verified ${variant} on ${provider}: ${goldens} goldens, largest difference ${levels} of 255 levels`);
  }
  console.error('building the page …');
  const { build } = await import('vite'); // here, because it takes a while to load and most commands need none of it
  await build({ configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)), logLevel: 'warn' });
  if (flags.serve) {
    await runServe({ models: 'models', port: flags.port, host: 'localhost', provider: 'wasm', rateLimit: '600' });
  }
}

export function registerStart(program: Command): void {
  addDataOptions(program.command('start'))
    .description('train, export, verify, build the page and serve: everything `npm start` does')
    .addOption(new Option('--preset <name>', 'training preset').choices(Object.keys(PRESETS)).default('quick'))
    .option('--data <source>', dataHelp, 'fashion-mnist')
    .option('--name <name>', 'name of the bundle (default: the preset, or the folder of pictures)')
    .option('--minutes <n>', 'train for at most so many minutes', '4')
    .option('--mirror', 'mirror half of the pictures')
    .option('--port <port>', 'port to serve on', '8787')
    .option('--no-serve', 'stop when everything is built')
    .action(runStart);
}
