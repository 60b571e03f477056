// `pocketgen dataset info|fetch|preview`: look at a data set, download it, draw a contact sheet of it.
import type { Command } from 'commander';
import { encodePng } from '../../contract/png.ts';
import { printable } from '../../contract/printable.ts';
import {
  classCounts,
  copyLines,
  type DatasetSplits,
  datasetNames,
  fetchDataset,
  loadDataset,
  type PictureSet,
  reportLines,
} from '../../train/data/index.ts';
import { previewSheet } from '../../train/data/preview.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { addDataOptions, type DataFlags, dataHelp, loadOptionsOf } from '../data-options.ts';
import { wholeFrom } from '../numbers.ts';
import { outPng } from '../out-file.ts';
import { loadProgress } from '../progress.ts';

interface SourceOptions extends DataFlags {
  offline?: boolean;
}

const sourceHelp = `${dataHelp}, with one sub-folder per class`;

export function registerDataset(command: Command): void {
  withSourceOptions(command.command('info').argument('<source>', sourceHelp).description('what a data set holds'))
    .option('--json', 'print JSON')
    .action(async (source: string, options: SourceOptions & { json?: boolean }) => {
      const splits = await load(source, options);
      console.log(options.json ? JSON.stringify(summary(splits), undefined, 2) : describe(splits));
    });

  command
    .command('fetch')
    .argument('<name>', datasetNames.join(' or '))
    .description('download a data set to the cache folder; goes on where an earlier download stopped')
    .option('--mirror <url...>', 'fetch from here instead of the official mirrors')
    .action(async (name: string, options: { mirror?: string[] }) => {
      const bar = loadProgress();
      const folder = await fetchDataset(name, {
        onProgress: bar.update,
        ...(options.mirror && { mirrors: options.mirror }),
      }).finally(bar.stop);
      console.log(`${name}: complete and checked, in ${folder}`);
    });

  withSourceOptions(
    command
      .command('preview')
      .argument('<source>', sourceHelp)
      .description('write a labelled contact sheet of the training pictures'),
  )
    .option('--out <file>', 'PNG to write', 'preview.png')
    .option('--columns <n>', 'pictures per class', wholeFrom(1, 100), 12)
    .option('--scale <n>', 'enlarge each picture this many times', wholeFrom(1, 16), 2)
    .action(async (source: string, options: SourceOptions & { out: string; columns: number; scale: number }) => {
      const { columns, scale } = options;
      const out = outPng(options.out);
      const splits = await load(source, options);
      const sheet = previewSheet(splits.train, { columns, scale });
      writeAtomically(out, encodePng(sheet));
      console.log([`${options.out}: ${sheet.width}x${sheet.height}`, ...reportLines(splits)].join('\n'));
    });
}

function withSourceOptions(command: Command): Command {
  return addDataOptions(command).option('--offline', 'never download');
}

async function load(source: string, options: SourceOptions): Promise<DatasetSplits> {
  const loadOptions = { ...loadOptionsOf(options, source), download: options.offline !== true };
  const bar = loadProgress();
  return loadDataset(source, { ...loadOptions, onProgress: bar.update, onRemark: console.error }).finally(bar.stop);
}

function summary({ train, test, report }: DatasetSplits): object {
  const part = (set: PictureSet): object => ({ count: set.count, classCounts: classCounts(set), sha256: set.sha256 });
  const { name, classes, width, height, channels, note } = train;
  return { name, classes, width, height, channels, train: part(train), test: part(test), note, ...report };
}

const coloursOf = ({ channels }: PictureSet): string =>
  channels === 1 ? 'grey' : channels === 3 ? 'colour' : 'colour with transparency';

function describe(splits: DatasetSplits): string {
  const { train, test, report } = splits;
  const counts = [classCounts(train), classCounts(test)] as const;
  const size = (index: number): string => `${counts[0][index]} training, ${counts[1][index]} held out`;
  const classes = train.classes.map(printable);
  const width = Math.max(0, ...classes.map((name) => name.length));
  return [
    ...reportLines(splits),
    `pictures: ${train.width}x${train.height}, ${coloursOf(train)}; ` +
      `${train.count} training, ${test.count} held out`,
    classes.length === 0 ? 'classes: none' : `classes: ${classes.length}`,
    ...classes.map((name, index) => `  ${String(index).padStart(3)} ${name.padEnd(width)}  ${size(index)}`),
    ...(report && report.copies.length > 0 ? ['exact and near copies, one group a line:', ...copyLines(report)] : []),
    `sha256 (training): ${train.sha256}`,
  ].join('\n');
}
