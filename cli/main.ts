// The `pocketgen` command line: one file per command under cli/commands/. Started by bin/pocketgen.mjs.
import { Command } from 'commander';
import { UserError } from '../contract/errors.ts';
import { isSystemError, systemErrorSentence } from '../train/store/system-error.ts';
import { registerBundle } from './commands/bundle.ts';
import { registerDataset } from './commands/dataset.ts';
import { registerEval } from './commands/eval.ts';
import { registerReport } from './commands/report.ts';
import { registerServe } from './commands/serve.ts';
import { registerStart } from './commands/start.ts';
import { registerTrain } from './commands/train.ts';
import { registerUpgrade } from './commands/upgrade.ts';

const program = new Command('pocketgen')
  .description('Train a small image generator, export it to one ONNX bundle, serve it on the edge and offline.')
  .showHelpAfterError('(see pocketgen --help)');

registerDataset(program);
registerTrain(program);
registerEval(program);
registerReport(program);
registerBundle(program);
registerStart(program);
registerServe(program);
registerUpgrade(program);

// Nobody reads any more (`| head`, a closed terminal): a command that saves on a hang-up does so, any other ends.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    if (!process.emit('SIGHUP')) process.exit(process.exitCode ?? 1);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof UserError) console.error(error.message);
  else if (isSystemError(error)) console.error(systemErrorSentence(error));
  else throw error;
  process.exitCode = 1;
}
