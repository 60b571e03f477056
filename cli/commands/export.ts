// `pocketgen export`: from a run to a bundle.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import type { Variant } from '../../contract/manifest.ts';
import type { Training } from '../../contract/training.ts';
import { readAttached } from '../../export/attached.ts';
import type { About } from '../../export/bundle.ts';
import { checkBundleFolder, recoverFolder } from '../../export/folder.ts';
import { trainingHistory } from '../../export/history.ts';
import { readManifest, readNetwork } from '../../export/open.ts';
import { loadExported } from '../../export/trainer.ts';
import { guided, loadGenerator, loadTrainer, type TrainedGenerator, unmeasuredAfter } from '../../export/weights.ts';
import { type ExportOptions, exportBundle } from '../../export/write.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readConfig, readStats } from '../../train/store/run.ts';
import { variantOf } from '../bundle-options.ts';
import { modelName, nameFrom, nameOfPictures } from '../names.ts';
import { numberFrom, truncation } from '../numbers.ts';
import { recordedTraining, trainingDifference } from '../same-training.ts';

function variantsOf(list: string): [Variant, ...Variant[]] {
  const [first = '', ...rest] = list.split(',');
  const variants: [Variant, ...Variant[]] = [variantOf(first), ...rest.map(variantOf)];
  if (new Set(variants).size < variants.length) throw new UserError(`dtype: expected each once, got ${list}`);
  return variants;
}

interface ExportExtras {
  /** 1 if absent, or what the bundle that is exported anew has. */
  truncation?: number | undefined;
  /** Of a Transformer's class; if absent as its recipe says, or as in the bundle that is exported anew. */
  guidance?: number | undefined;
  /** What training.json of the bundle is to say, if anything. */
  training?: Training;
  /** Where they are to say something else than the data set's name does. */
  about?: About;
  /** With what another training can go on from. */
  trainer?: boolean | undefined;
  /** Also in the place of another training's bundle. */
  replace?: boolean | undefined;
  /** Of a run the newest checkpoint, whatever was measured. */
  newest?: boolean | undefined;
}

/** What of a run or a bundle goes into a bundle, besides the generator. */
type Source = Pick<ExportOptions, 'engine' | 'metrics' | 'about' | 'trainer' | 'truncation'> & {
  readonly trained: TrainedGenerator;
};

interface Taken {
  readonly trainer: boolean;
  readonly newest: boolean;
}

async function runSource(dir: string, { trainer, newest }: Taken): Promise<Source> {
  const run = folderFiles(dir);
  const warn = (line: string): void => console.error(line);
  const trained = await loadGenerator(run, warn, newest ? 'newest' : 'best');
  const since = await unmeasuredAfter(run, trained);
  if (since !== undefined)
    warn(
      `${dir}: it was trained on to ${since} images, and nothing was measured after the ${trained.imagesSeen} of its snapshot; --newest exports what it is now`,
    );
  const engines = [...new Set((await readStats(run)).flatMap(({ engine }) => engine ?? []))];
  return {
    trained,
    truncation: 1,
    engine: engines.join(', ') || 'not recorded',
    metrics: await trainingHistory(run, trained.imagesSeen, trained.config.recipe.network.resolution),
    ...(trainer ? { trainer: await loadTrainer(run, warn) } : {}),
  };
}

/** What was measured of the bundle is not of the one that is made, but its training is. */
async function bundleSource(dir: string, { trainer, newest }: Taken): Promise<Source> {
  if (newest) throw new UserError(`--newest: expected a run with it, got the bundle ${dir}; leave it out`);
  const { metrics, training, files, title, description, license, defaultTruncation } = readManifest(dir);
  const kept = files.find(({ role }) => role === 'trainer');
  return {
    trained: await loadExported(dir),
    truncation: defaultTruncation,
    engine: training.engine,
    about: { title, description, license },
    ...(metrics && { metrics: { ...metrics, evaluations: [] } }),
    ...(trainer && kept ? { trainer: await readNetwork(dir, kept) } : {}),
  };
}

/** A bundle in the place of another training's would be the end of that. Throws UserError naming what would go. */
function refuseToReplace(out: string, { recipe, dataset }: TrainedGenerator['config']): void {
  const there = recordedTraining(out);
  const difference = there && trainingDifference(there, { sha256: dataset.sha256, recipe });
  if (difference !== undefined)
    throw new UserError(
      `export: expected ${out} to be of the same training or new, got another training's bundle (${difference}), of which ${there?.files.join(', ')} would go; choose another --out, or put this one in its place with --replace`,
    );
}

/** Exports a run, or a bundle anew, and tells the user what was checked. */
export async function runExport(
  from: string,
  out: string,
  dtypes: string,
  {
    truncation: wanted,
    guidance,
    training,
    about = {},
    trainer = false,
    replace = false,
    newest = false,
  }: ExportExtras = {},
): Promise<void> {
  recoverFolder(out);
  checkBundleFolder(out); // what cannot be written is told before the work
  const variants = variantsOf(dtypes);
  // What a bundle in its own place was exported with is nowhere else.
  const taken = { trainer: trainer || resolve(from) === resolve(out), newest };
  const source = await (isBundle(from) ? bundleSource : runSource)(from, taken);
  if (!replace) refuseToReplace(out, source.trained.config);
  const trained = guidance === undefined ? source.trained : guided(source.trained, guidance);
  const truncation = wanted ?? source.truncation;
  console.error(`${from}: the generator after ${trained.imagesSeen} images (${trained.origin})`);
  const { encoder } = trained;
  if (encoder)
    console.error(
      `${from}: its encoder after ${encoder.imagesSeen} of ${encoder.recipe.images} images` +
        (encoder.imagesSeen < encoder.recipe.images ? `; pocketgen encoder ${from} goes on with it` : ''),
    );
  const attached = await readAttached(out);
  const report = await exportBundle(trained, {
    ...source,
    ...(attached && { attached }),
    out,
    variants,
    truncation,
    about: { ...source.about, ...about },
    ...(training ? { training } : {}),
  });
  if (attached && !report.manifest.encoder)
    console.error(
      `${out}: the encoder that was put into it is of another generator, or in other variants, and has gone; pocketgen encoder ${out} trains one for what it is now`,
    );
  console.error(`traced and encoded in ${report.traceMs.toFixed(0)} ms`);
  for (const { variant, tfjsNode, nodeWasm } of report.agreement) {
    console.error(
      `${variant}: largest difference tfjs to onnxruntime-node ${tfjsNode.toExponential(1)}, ` +
        `onnxruntime-node to wasm ${nodeWasm.toExponential(1)} (of a range of 2)`,
    );
  }
  const used = trained.config.recipe.transformer?.guidance;
  for (const { path, bytes } of report.manifest.files) console.error(`${out}/${path}: ${bytes} bytes`);
  console.error(
    `bundle ${out}: ${report.manifest.goldens.length} goldens, default ${report.manifest.defaultVariant}, truncation ${truncation}` +
      (used === undefined ? '' : `, guidance ${used}`),
  );
}

interface ExportFlags extends About {
  out?: string;
  dtype: string;
  truncation?: number;
  guidance?: number;
  trainer?: boolean;
  replace?: boolean;
  newest?: boolean;
}

const isBundle = (dir: string): boolean => existsSync(join(dir, 'model.json'));

const MOST_GUIDANCE = 10;

export function registerExport(command: Command): void {
  command
    .argument('<run>', 'run folder, or a bundle with a trainer file to be exported anew')
    .option(
      '--out <dir>',
      'bundle folder (default, of a run: models/ and the preset with its family, or the run’s name for preset auto)',
    )
    .option('--dtype <list>', 'how weights are stored: fp32, fp16, int8; the first is the default one', 'fp16,fp32')
    .option(
      '--truncation <t>',
      'latent scale that is used unless another is asked for, above 0, at most 1 (default: 1; of a bundle its own)',
      truncation,
    )
    .option(
      '--guidance <w>',
      'how many times as far a class moves what a Transformer draws, from 1 to 10 (default: as trained, 1; of a bundle its own)',
      numberFrom(1, MOST_GUIDANCE),
    )
    .option('--title <text>', 'what people see it called (default: the data set’s name)')
    .option('--description <text>', 'a sentence on what it draws')
    .option('--license <text>', 'licence of the weights (default: as the pictures)')
    .option('--newest', 'of a run its newest checkpoint, whatever was measured (default: the best snapshot, if any)')
    .option('--trainer', 'add what pocketgen train --from BUNDLE can go on from')
    .option('--replace', 'also where the bundle folder has a bundle of another training, which then goes')
    .action(
      async (from: string, { out, dtype, truncation, guidance, trainer, replace, newest, ...about }: ExportFlags) => {
        await runExport(from, out ?? (await bundleFolder(from)), dtype, {
          ...{ truncation, guidance, trainer, replace, newest, about },
        });
      },
    );
}

/** Of a run of own pictures, in letters that an address can have: what `start` calls the same model. */
export async function bundleFolder(from: string): Promise<string> {
  if (isBundle(from)) throw new UserError(`--out: expected a folder for what is made of ${from}, got none`);
  const { recipe, dataset } = await readConfig(folderFiles(from));
  // A run of own pictures has its family in its folder's name.
  return join(
    'models',
    recipe.preset === 'auto' ? nameFrom(from, nameOfPictures(dataset)) : modelName(recipe, dataset.name),
  );
}
