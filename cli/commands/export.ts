// `pocketgen export`: from a run to a bundle.
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import type { Variant } from '../../contract/manifest.ts';
import type { Training } from '../../contract/training.ts';
import type { About } from '../../export/bundle.ts';
import { checkBundleFolder } from '../../export/folder.ts';
import { trainingHistory } from '../../export/history.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readConfig, readStats } from '../../train/store/run.ts';
import { truncationOf, variantOf } from '../bundle-options.ts';

function variantsOf(list: string): [Variant, ...Variant[]] {
  const [first = '', ...rest] = list.split(',');
  const variants: [Variant, ...Variant[]] = [variantOf(first), ...rest.map(variantOf)];
  if (new Set(variants).size < variants.length) throw new UserError(`dtype: expected each once, got ${list}`);
  return variants;
}

interface ExportExtras {
  truncation?: number;
  /** What training.json of the bundle is to say, if anything. */
  training?: Training;
  /** Where they are to say something else than the data set's name does. */
  about?: About;
  /** With what another training can go on from. */
  trainer?: boolean;
}

/** Exports a run and tells the user what was checked. */
export async function runExport(
  runDir: string,
  out: string,
  dtypes: string,
  { truncation = 1, training, about = {}, trainer = false }: ExportExtras = {},
): Promise<void> {
  checkBundleFolder(out); // what cannot be written is told before the work
  const variants = variantsOf(dtypes);
  const run = folderFiles(runDir);
  const trained = await loadGenerator(run, (line) => console.error(line));
  console.error(`${runDir}: the generator after ${trained.imagesSeen} images (${trained.origin})`);
  const { network } = trained.config.recipe;
  const engines = [...new Set((await readStats(run)).flatMap(({ engine }) => engine ?? []))];
  const report = await exportBundle(trained, {
    out,
    variants,
    truncation,
    engine: engines.join(', ') || 'not recorded',
    about,
    metrics: await trainingHistory(run, trained.imagesSeen, network.resolution),
    ...(training ? { training } : {}),
    ...(trainer ? { trainer: await loadTrainer(run, (line) => console.error(line)) } : {}),
  });
  console.error(`traced and encoded in ${report.traceMs.toFixed(0)} ms`);
  for (const { variant, tfjsNode, nodeWasm } of report.agreement) {
    console.error(
      `${variant}: largest difference tfjs to onnxruntime-node ${tfjsNode.toExponential(1)}, ` +
        `onnxruntime-node to wasm ${nodeWasm.toExponential(1)} (of a range of 2)`,
    );
  }
  for (const { path, bytes } of report.manifest.files) console.error(`${out}/${path}: ${bytes} bytes`);
  console.error(
    `bundle ${out}: ${report.manifest.goldens.length} goldens, default ${report.manifest.defaultVariant}, truncation ${truncation}`,
  );
}

interface ExportFlags extends About {
  out?: string;
  dtype: string;
  truncation: string;
  trainer?: boolean;
}

export function registerExport(command: Command): void {
  command
    .argument('<run>', 'run folder')
    .option('--out <dir>', 'bundle folder (default: models/ and the preset, or the run’s name for preset auto)')
    .option('--dtype <list>', 'how weights are stored: fp32, fp16, int8; the first is the default one', 'fp16,fp32')
    .option('--truncation <t>', 'latent scale that is used unless another is asked for, from 0.01 to 1', '1')
    .option('--title <text>', 'what people see it called (default: the data set’s name)')
    .option('--description <text>', 'a sentence on what it draws')
    .option('--license <text>', 'licence of the weights (default: as the pictures)')
    .option('--trainer', 'add what pocketgen train --from BUNDLE can go on from')
    .action(async (run: string, { out, dtype, truncation, trainer = false, ...about }: ExportFlags) => {
      const { preset } = (await readConfig(folderFiles(run))).recipe;
      const folder = out ?? join('models', preset === 'auto' ? basename(resolve(run)) : preset);
      await runExport(run, folder, dtype, { truncation: truncationOf(truncation), about, trainer });
    });
}
