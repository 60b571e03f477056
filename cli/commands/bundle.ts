// `pocketgen export`, `sample` and `verify`: from a run to a bundle, from a bundle to pictures.
import { basename, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { onBackground, parseBackground } from '../../contract/background.ts';
import { UserError } from '../../contract/errors.ts';
import { parseSeed } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { classIndex, type Variant, variantSchema } from '../../contract/manifest.ts';
import { contactSheet, type Picture, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import type { Training } from '../../contract/training.ts';
import { type About, exportBundle } from '../../export/bundle.ts';
import { checkBundleFolder } from '../../export/folder.ts';
import { openBundle, PROVIDERS, type Provider } from '../../export/open.ts';
import { trainingHistory } from '../../export/record.ts';
import { verifyBundle } from '../../export/verify.ts';
import { loadGenerator } from '../../export/weights.ts';
import { writeAtomically } from '../../train/store/checkpoint.ts';
import { readStats, runFolder } from '../../train/store/run-folder.ts';
import { checkOutFile } from '../out-file.ts';

function variantOf(name: string): Variant {
  const parsed = variantSchema.safeParse(name.trim());
  if (!parsed.success) throw new UserError(`dtype: expected ${variantSchema.options.join(', ')}, got ${name}`);
  return parsed.data;
}

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
}

/** Exports a run and tells the user what was checked. */
export async function runExport(
  runDir: string,
  out: string,
  dtypes: string,
  { truncation = 1, training, about = {} }: ExportExtras = {},
): Promise<void> {
  checkBundleFolder(out); // what cannot be written is told before the work
  const variants = variantsOf(dtypes);
  const trained = loadGenerator(runDir, (line) => console.error(line));
  console.error(`${runDir}: the generator after ${trained.imagesSeen} images (${trained.origin})`);
  const { network } = trained.config.recipe;
  const run = runFolder(runDir);
  const engines = [...new Set(readStats(run).flatMap(({ engine }) => engine ?? []))];
  const report = await exportBundle(trained, {
    out,
    variants,
    truncation,
    engine: engines.join(', ') || 'not recorded',
    about,
    metrics: trainingHistory(run, trained.imagesSeen, network.resolution),
    ...(training ? { training } : {}),
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

/** `1-64`, `7`, `ada@example.com`, or several of them separated by commas. */
export function seedList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const range = /^(\d+)-(\d+)$/.exec(part.trim());
    if (!range) return [parseSeed(part.trim())];
    const [from, to] = [parseSeed(Number(range[1])), parseSeed(Number(range[2]))];
    if (to < from || to - from >= 4096) {
      throw new UserError(`seeds: expected a range of 1 to 4096 seeds such as 1-64, got ${part}`);
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

interface SampleFlags {
  seed?: string;
  seeds?: string;
  class?: string;
  truncation?: string;
  columns: string;
  scale: string;
  dtype?: string;
  provider: Provider;
  background?: string;
  out: string;
}

function within(name: string, text: string, low: number, high: number, whole: boolean): number {
  const value = Number(text);
  if (!(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
    throw new UserError(
      `${name}: expected ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}, got ${text}`,
    );
  }
  return value;
}

const truncationOf = (text: string): number => within('truncation', text, 0.01, 1, false);

async function runSample(dir: string, flags: SampleFlags): Promise<void> {
  const seeds = flags.seeds === undefined ? [parseSeed(flags.seed ?? '1')] : seedList(flags.seeds);
  const given = flags.truncation === undefined ? undefined : truncationOf(flags.truncation);
  const columns = within('columns', flags.columns, 1, 256, true);
  const scale = within('scale', flags.scale, 1, 32, true);
  const variant = flags.dtype === undefined ? undefined : variantOf(flags.dtype);
  const background = flags.background === undefined ? undefined : parseBackground(flags.background);
  checkOutFile(flags.out);
  const bundle = await openBundle(dir, { provider: flags.provider, ...(variant ? { variant } : {}) });
  try {
    const { name, image } = bundle.manifest;
    if (background !== undefined && image.channels !== 4)
      throw new UserError(`--background: expected none, as ${name} draws no transparent pictures; leave it out`);
    const truncation = given ?? bundle.manifest.defaultTruncation;
    const index = flags.class === undefined ? undefined : classIndex(bundle.manifest, flags.class);
    const pictures: Picture[] = [];
    for (let at = 0; at < seeds.length; at += LIMITS.batch) {
      const batch = seeds.slice(at, at + LIMITS.batch).map((seed) => ({ seed, class: index, truncation }));
      pictures.push(...(await bundle.generator.generate(batch)));
    }
    const sheet = pictures.length === 1 && pictures[0] ? pictures[0] : contactSheet(pictures, columns);
    writeAtomically(flags.out, encodePng(onBackground(scaleUp(sheet, scale), background)));
    console.error(`${flags.out}: ${pictures.length} picture${pictures.length === 1 ? '' : 's'}`);
  } finally {
    await bundle.close();
  }
}

interface ExportFlags extends About {
  out?: string;
  dtype: string;
  truncation: string;
}

export function registerBundle(program: Command): void {
  program
    .command('export')
    .description('write the model bundle of a run and check it on three run-times')
    .argument('<run>', 'run folder')
    .option('--out <dir>', 'bundle folder (default: models/ and the preset, or the run’s name for preset auto)')
    .option('--dtype <list>', 'how weights are stored: fp32, fp16, int8; the first is the default one', 'fp16,fp32')
    .option('--truncation <t>', 'latent scale that is used unless another is asked for, from 0.01 to 1', '1')
    .option('--title <text>', 'what people see it called (default: the data set’s name)')
    .option('--description <text>', 'a sentence on what it draws')
    .option('--license <text>', 'licence of the weights (default: as the pictures)')
    .action(async (run: string, { out, dtype, truncation, ...about }: ExportFlags) => {
      const { preset } = loadGenerator(run, () => {}).config.recipe;
      const folder = out ?? join('models', preset === 'auto' ? basename(resolve(run)) : preset);
      await runExport(run, folder, dtype, { truncation: truncationOf(truncation), about });
    });
  program
    .command('sample')
    .description('draw pictures of a bundle into a PNG')
    .argument('<bundle>', 'bundle folder')
    .option('--seed <seed>', 'a number or any text (default: 1)')
    .option('--seeds <list>', 'several: 1-64, or a list with commas')
    .option('--class <name>', 'label or index (default: the class the seed chooses)')
    .option(
      '--truncation <t>',
      'latent scale from 0.01 to 1: lower is more typical, less varied (default: the bundle’s own)',
    )
    .option('--columns <n>', 'columns of the grid', '8')
    .option('--scale <k>', 'each pixel becomes k x k', '1')
    .option('--background <colour>', 'ground of transparent pictures: ff8800, white, checkerboard (default: none)')
    .option('--dtype <name>', 'fp32, fp16 or int8 (default: the bundle’s own)')
    .addOption(new Option('--provider <name>', 'what runs it').choices(PROVIDERS).default('wasm'))
    .requiredOption('--out <file>', 'PNG to write')
    .action(runSample);
  program
    .command('verify')
    .description('check a bundle’s hashes and goldens')
    .argument('<bundle>', 'bundle folder')
    .action(async (dir: string) => {
      for (const { variant, provider, goldens, levels } of await verifyBundle(dir)) {
        console.log(`${variant} on ${provider}: ${goldens} goldens, largest difference ${levels} of 255 levels`);
      }
    });
}
