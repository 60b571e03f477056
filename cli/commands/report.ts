// `pocketgen report RUN`: one self-contained HTML page about a run; --watch serves it live while the run trains.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import type { Picture } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { pictureSet, spreadPictures } from '../../train/data/index.ts';
import { memorisation } from '../../train/eval/memorisation.ts';
import { type ReportData, readReport } from '../../train/report/data.ts';
import { reportPage } from '../../train/report/page.ts';
import { watchReport } from '../../train/report/watch.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { RUN } from '../../train/store/files.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readConfig } from '../../train/store/run.ts';
import { type ModelSource, openSource } from '../model-source.ts';
import { port } from '../numbers.ts';
import { outFile } from '../out-file.ts';
import { trainedPictures } from '../trained-pictures.ts';
import { drawWalks } from '../walks.ts';

/** More grids than this add nothing to see, only size. */
const mostGrids = 60;
/** Generated pictures that are looked up among the training pictures. */
const nearestOf = 500;

export async function writeReport(dir: string, out: string, warn: (sentence: string) => void): Promise<void> {
  const data = await readReport(dir);
  const inlined = (sheets: ReportData['samples']): Promise<ReportData['samples']> => {
    const stride = Math.max(1, Math.ceil(sheets.length / mostGrids));
    const shown = sheets.filter((_, i) => (sheets.length - 1 - i) % stride === 0);
    return Promise.all(
      shown.map(async ({ images, source }) => ({
        images,
        source: inline(await readFile(join(dir, RUN.samples, source))),
      })),
    );
  };
  data.samples = await inlined(data.samples);
  data.again = await inlined(data.again);
  try {
    const model = await openSource(dir, { warn });
    try {
      data.walks = await drawWalks(model);
      const sheet = await nearestTraining(dir, model, warn);
      if (sheet) data.neighbours = inline(encodePng(sheet));
    } finally {
      await model.close();
    }
  } catch (error) {
    // A run that has only begun has no checkpoint to walk in; its curves are worth a page all the same.
    if (!(error instanceof UserError)) throw error;
    warn(`report: no walks (${error.message})`);
  }
  writeAtomically(out, reportPage(data));
}

const inline = (png: Uint8Array): string => `data:image/png;base64,${Buffer.from(png).toString('base64')}`;

/** Generated pictures that lie nearest to training ones, with those; nothing where the training pictures are not at hand. */
async function nearestTraining(
  dir: string,
  model: ModelSource,
  warn: (sentence: string) => void,
): Promise<Picture | undefined> {
  try {
    const { train, test } = await trainedPictures(dir, model);
    const shown = spreadPictures(train, nearestOf);
    const pixels = await model.generate(0, shown.labels, 1);
    const generated = pictureSet({ ...shown, pixels, note: 'generated' });
    return (await memorisation(generated.pixels, train, test)).sheet;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`report: no nearest training pictures (${error.message})`);
    return undefined;
  }
}

const PORT = 8790;

export function registerReport(command: Command): void {
  command
    .argument('<run>', 'run folder')
    .option('--out <file>', 'page to write (default: report.html in the run folder)')
    .option('--watch', 'serve the page live instead, until Ctrl-C')
    .option('--port <n>', `port for --watch; 0 for any free one (default: ${PORT})`, port)
    .action(async (dir: string, flags: { out?: string; watch?: boolean; port?: number }) => {
      if (flags.port !== undefined && !flags.watch)
        throw new UserError('--port: expected --watch with it, got none; nothing is served without it');
      if (flags.watch) {
        const { url, close } = await watchReport(dir, flags.port ?? PORT);
        console.error(`report of ${dir}, live at ${url}; Ctrl-C ends it`);
        for (const signal of ['SIGINT', 'SIGTERM'] as const)
          process.once(signal, () => void close().then(() => process.exit(0)));
        return;
      }
      await readConfig(folderFiles(dir)); // of what is no run it is not the report that is amiss
      const out = flags.out ?? join(dir, 'report.html');
      await writeReport(dir, outFile(out), (line) => console.error(line));
      console.log(out);
    });
}
