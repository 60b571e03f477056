// Writes a model bundle from a trained generator: one ONNX file a variant, model.json with goldens, preview, model card.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../contract/bundle.ts';
import { UserError } from '../contract/errors.ts';
import { createGenerator, type PictureRequest } from '../contract/generator.ts';
import { LATENT_GENERATOR } from '../contract/latent.ts';
import {
  type BundleMetrics,
  FORMAT,
  FORMAT_VERSION,
  type Golden,
  type Manifest,
  nameSchema,
  parseManifest,
  type Variant,
} from '../contract/manifest.ts';
import { contactSheet, scaleUp } from '../contract/picture.ts';
import { encodePng } from '../contract/png.ts';
import { traceAnyBatch } from '../trace/batch.ts';
import { OPSET } from '../trace/model.ts';
import { modelCard } from './card.ts';
import { type Agreement, compareRuntimes } from './compare.ts';
import { startSession } from './open.ts';
import { generatorFunction, type TrainedGenerator } from './weights.ts';

export interface ExportOptions {
  readonly out: string;
  /** How weights are stored; the first is what is used unless another is asked for. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Factor on latents unless another is asked for. */
  readonly truncation: number;
  readonly engine: string;
  readonly metrics?: BundleMetrics;
}

export interface ExportReport {
  readonly manifest: Manifest;
  /** Milliseconds to trace and encode all variants. */
  readonly traceMs: number;
  readonly agreement: readonly Agreement[];
}

/** Goldens a bundle carries for each variant: enough to touch every class, few enough to check in a moment. */
const GOLDENS = 4;
const PREVIEW_ROWS = 6;

/** The data sets we know; a bundle of own pictures belongs to whoever owns those. */
const KNOWN: Readonly<Record<string, Pick<Manifest, 'title' | 'description' | 'license'>>> = {
  'fashion-mnist': {
    title: 'Fashion',
    description: 'Clothes, shoes and bags in the manner of Fashion-MNIST.',
    license: 'MIT (weights trained on Fashion-MNIST, (c) 2017 Zalando SE, MIT)',
  },
  mnist: {
    title: 'Digits',
    description: 'Handwritten digits in the manner of MNIST.',
    license: 'CC-BY-SA-3.0 (weights trained on MNIST, LeCun, Cortes and Burges)',
  },
};

function goldenRequests(classes: number): PictureRequest[] {
  return Array.from({ length: GOLDENS }, (_, i) => ({
    seed: [1, 42, 4294967295, 20260101][i] ?? i,
    class: classes > 0 ? Math.floor((i * classes) / GOLDENS) : undefined,
    truncation: i === 3 ? 0.5 : 1,
  }));
}

/** The name that a bundle in `out` gets: the folder's, which is part of addresses. */
export function bundleName(out: string): string {
  const name = basename(resolve(out)).toLowerCase();
  if (nameSchema.safeParse(name).success) return name;
  throw new UserError(
    `export: expected a folder named by at most 63 lower-case letters, digits and hyphens, got ${JSON.stringify(out)}; choose another name`,
  );
}

/** Refuses a folder with anything in it that no bundle of ours put there: the export replaces it as a whole. Returns the bundle's name. */
export function checkBundleFolder(out: string): string {
  const name = bundleName(out);
  if (!existsSync(out)) return name;
  const expected = `export: expected ${out} to be a bundle or a new folder`;
  if (!statSync(out).isDirectory()) throw new UserError(`${expected}, got a file; choose another --out`);
  const own = new Set(
    existsSync(join(out, 'model.json')) ? filesOf(readFileSync(join(out, 'model.json'), 'utf8')) : [],
  );
  const other = readdirSync(out).find((name) => !own.has(name));
  if (other !== undefined)
    throw new UserError(`${expected}, got one with ${other} in it; move that or choose another --out`);
  return name;
}

/** Files of the bundle whose model.json this is, whatever its format version; none when it is somebody else's. */
function filesOf(text: string): string[] {
  try {
    const { files } = ownFiles.parse(JSON.parse(text));
    return ['model.json', 'preview.png', 'MODEL_CARD.md', ...files.map(({ path }) => path)];
  } catch {
    return [];
  }
}

const ownFiles = z.looseObject({ format: z.literal(FORMAT), files: z.array(z.looseObject({ path: z.string() })) });

/**
 * Traces, encodes, verifies and writes the bundle. It is written to a temporary folder and renamed when everything has
 * been checked, so an existing bundle is replaced whole or not at all.
 *
 * @throws UserError when `out` is a folder of something else, or when the run-times disagree
 */
export async function exportBundle(trained: TrainedGenerator, options: ExportOptions): Promise<ExportReport> {
  const out = resolve(options.out);
  const name = checkBundleFolder(out);
  const { recipe, dataset } = trained.config;
  const { network } = recipe;
  const conditional = network.classes > 0;
  const classes = conditional ? dataset.classes : [];

  const startedAt = performance.now();
  const encode = await traceAnyBatch('generator', generatorFunction(trained), {
    latent: [network.latent],
    ...(conditional ? { class: [network.classes] } : {}),
  });
  const models = options.variants.map((variant) => ({ variant, bytes: encode(variant) }));
  const traceMs = performance.now() - startedAt;

  const files = await Promise.all(
    models.map(async ({ variant, bytes }) => ({
      path: `generator.${variant}.onnx`,
      role: 'generator' as const,
      variant,
      bytes: bytes.length,
      sha256: await sha256Hex(bytes),
    })),
  );
  const [defaultVariant] = options.variants;
  const draft: Manifest = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    name,
    title: dataset.name,
    description: `Pictures in the manner of those in ${dataset.name}.`,
    license: `as the pictures in ${dataset.name}`,
    ...KNOWN[dataset.name],
    kind: 'gan',
    image: { width: network.resolution, height: network.resolution, channels: network.channels },
    latent: { size: network.latent, distribution: 'normal', generator: LATENT_GENERATOR },
    classes,
    opset: OPSET,
    inputs: {
      latent: { name: 'latent', shape: ['batch', network.latent] },
      ...(conditional
        ? { classWeights: { name: 'class', shape: ['batch', network.classes] as ['batch', number] } }
        : {}),
    },
    output: {
      name: 'image',
      shape: ['batch', network.channels, network.resolution, network.resolution],
      range: [-1, 1],
    },
    files,
    defaultVariant,
    defaultTruncation: options.truncation,
    goldens: [],
    ...(options.metrics ? { metrics: options.metrics } : {}),
    training: {
      preset: recipe.preset,
      config: { ...recipe, ...(dataset.options && { pictures: dataset.options }) },
      dataset: { name: dataset.name, sha256: dataset.sha256 },
      imagesSeen: trained.imagesSeen,
      engine: options.engine,
      seed: recipe.seed,
    },
  };

  const agreement: Agreement[] = [];
  const goldens: Golden[] = [];
  let preview = new Uint8Array();
  for (const { variant, bytes } of models) {
    const { session, Tensor } = await startSession(bytes, 'wasm');
    const generator = createGenerator(draft, session, Tensor);
    const requests = goldenRequests(classes.length);
    for (const [i, picture] of (await generator.generate(requests)).entries()) {
      const { seed = 0, class: index, truncation = 1 } = requests[i] ?? {};
      goldens.push({
        variant,
        seed,
        ...(index === undefined ? {} : { class: index }),
        truncation,
        sha256: await sha256Hex(picture.data),
        pixels: Buffer.from(picture.data).toString('base64'),
      });
    }
    if (variant === defaultVariant) {
      const columns = conditional ? Math.min(classes.length, 10) : 10;
      const cells = Array.from({ length: PREVIEW_ROWS * columns }, (_, i) => ({
        seed: conditional ? Math.floor(i / columns) : i,
        class: conditional ? i % columns : undefined,
        truncation: options.truncation,
      }));
      preview = encodePng(scaleUp(contactSheet(await generator.generate(cells), columns, 1), 2));
    }
    await session.release();
    agreement.push(await compareRuntimes(trained, variant, bytes));
  }

  const manifest = parseManifest(JSON.parse(JSON.stringify({ ...draft, goldens })));
  mkdirSync(dirname(out), { recursive: true });
  const temporary = mkdtempSync(`${out}.tmp-`);
  try {
    for (const [i, { bytes }] of models.entries()) writeFileSync(join(temporary, files[i]?.path ?? ''), bytes);
    writeFileSync(join(temporary, 'model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(join(temporary, 'preview.png'), preview);
    writeFileSync(join(temporary, 'MODEL_CARD.md'), modelCard(manifest));
    chmodSync(temporary, 0o755); // mkdtemp makes private folders; a bundle is to be served
    rmSync(out, { recursive: true, force: true });
    renameSync(temporary, out);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  return { manifest, traceMs, agreement };
}
