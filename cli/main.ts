// The `pocketgen` command line: one file per command under cli/commands/, of which only the one asked for is loaded, so that
// none needs the packages of another. Started by bin/pocketgen.mjs.
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { UserError } from '../contract/errors.ts';
import { printable } from '../contract/printable.ts';
import { isSystemError, systemErrorSentence } from '../train/store/system-error.ts';
import { missingPackage } from './missing-package.ts';
import { tellUsage } from './usage.ts';

interface Entry {
  readonly description: string;
  /** Its file's function that adds arguments, options and the action. */
  load(): Promise<(command: Command) => void>;
}

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  start: {
    description: 'train, show it while it trains, export, verify and serve: everything `npm start` does',
    load: async () => (await import('./commands/start.ts')).registerStart,
  },
  dataset: {
    description: 'training pictures: what there is, a download, a contact sheet',
    load: async () => (await import('./commands/dataset.ts')).registerDataset,
  },
  train: {
    description: 'train a generator; the same command again continues where it stopped',
    load: async () => (await import('./commands/train.ts')).registerTrain,
  },
  encoder: {
    description:
      'train the way back for a finished generator: pictures to latents; the same command again continues it',
    load: async () => (await import('./commands/encoder.ts')).registerEncoder,
  },
  eval: {
    description: 'measure generated pictures against held-out real ones',
    load: async () => (await import('./commands/eval.ts')).registerEval,
  },
  report: {
    description: 'write one self-contained HTML page: losses, quality, pictures over time, walks, config',
    load: async () => (await import('./commands/report.ts')).registerReport,
  },
  export: {
    description: 'write the model bundle of a run and check it on three run-times',
    load: async () => (await import('./commands/export.ts')).registerExport,
  },
  sample: {
    description: 'draw pictures of a bundle into a PNG',
    load: async () => (await import('./commands/sample.ts')).registerSample,
  },
  encode: {
    description: 'a picture to the latent that draws it again, for a bundle with an encoder',
    load: async () => (await import('./commands/encode.ts')).registerEncode,
  },
  complete: {
    description: 'keep a part of a picture and draw the rest, for a bundle that completes pictures',
    load: async () => (await import('./commands/complete.ts')).registerComplete,
  },
  reconstruct: {
    description: 'draw a picture as a bundle with an encoder sees it, perhaps beside the original',
    load: async () => (await import('./commands/reconstruct.ts')).registerReconstruct,
  },
  verify: {
    description: 'check hashes and goldens of bundles',
    load: async () => (await import('./commands/verify.ts')).registerVerify,
  },
  upgrade: {
    description: 'bring bundles of earlier formats to the current one, where they lie',
    load: async () => (await import('./commands/upgrade.ts')).registerUpgrade,
  },
  serve: {
    description: 'serve bundles over HTTP: pictures by seed, grids, walks, an OpenAI-compatible route, and the page',
    load: async () => (await import('./commands/serve.ts')).registerServe,
  },
  publish: {
    description: 'publish bundles to a store that servers read: they serve them within seconds',
    load: async () => (await import('./commands/publish.ts')).registerPublish,
  },
  list: {
    description: 'show what is published in a store',
    load: async () => (await import('./commands/list.ts')).registerList,
  },
  rollback: {
    description: 'make an earlier version of a published model the current one',
    load: async () => (await import('./commands/rollback.ts')).registerRollback,
  },
  unpublish: {
    description: 'take back a published model, or an earlier version of it',
    load: async () => (await import('./commands/unpublish.ts')).registerUnpublish,
  },
  prune: {
    description: 'remove from a store what no published version uses',
    load: async () => (await import('./commands/prune.ts')).registerPrune,
  },
};

// Nobody reads any more (`| head`, a closed terminal): a command that saves on a hang-up does so, one that listens for this
// itself goes on, any other ends.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    if (stream.listenerCount('error') === 1 && !process.emit('SIGHUP')) process.exit(process.exitCode ?? 1);
  });
}

try {
  const { version } = createRequire(import.meta.url)('pocketgen/package.json') as { version: string };
  const program = new Command('pocketgen')
    .description('Train a small image generator, export it to one ONNX bundle, serve it on the edge and offline.')
    .version(version);
  const asked = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
  for (const [name, { description, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(description);
    if (name === asked) (await load())(command);
  }
  tellUsage(program);
  await program.parseAsync();
} catch (error) {
  const told = missingPackage(error) ?? error;
  if (told instanceof UserError) console.error(printable(told.message));
  else if (isSystemError(told)) console.error(printable(systemErrorSentence(told)));
  else throw told;
  process.exitCode = 1;
}
