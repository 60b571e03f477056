// Writes a model bundle from a trained generator: one ONNX file a variant, model.json with goldens, preview, model card.
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { onBackground } from '../contract/background.ts';
import { sha256Hex } from '../contract/bundle.ts';
import { createGenerator, type PictureRequest } from '../contract/generator.ts';
import { LATENT_GENERATOR } from '../contract/latent.ts';
import {
  type BundleMetrics,
  type FileEntry,
  FORMAT,
  FORMAT_VERSION,
  type Golden,
  type Manifest,
  parseManifest,
  type Variant,
} from '../contract/manifest.ts';
import { contactSheet, scaleUp } from '../contract/picture.ts';
import { encodePng } from '../contract/png.ts';
import { TRAINING_FILE, type Training } from '../contract/training.ts';
import { OPSET, trace } from '../trace/index.ts';
import { modelCard } from './card.ts';
import { type Agreement, compareRuntimes } from './compare.ts';
import { encoderConfig, encoderGoldens, traceEncoder } from './encoder.ts';
import { checkBundleFolder, replaceFolder } from './folder.ts';
import { startSession } from './open.ts';
import { generatorFunction, type TrainedGenerator } from './weights.ts';

/** What people are told of a model, in words. */
export type About = Partial<Pick<Manifest, 'title' | 'description' | 'license'>>;

export interface ExportOptions {
  readonly out: string;
  /** How weights are stored; the first is what is used unless another is asked for. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Factor on latents unless another is asked for. */
  readonly truncation: number;
  readonly engine: string;
  readonly metrics?: BundleMetrics;
  readonly about?: About;
  /** A snapshot on the way, which the next one replaces: made in a second, without comparing run-times. */
  readonly interim?: boolean;
  /** What another training can go on from, as encodeTrainer() gives it. */
  readonly trainer?: Uint8Array;
  /** What training.json of the bundle says, while it is being trained. */
  readonly training?: Training;
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
const INTERIM_ROWS = 2;

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

/** An interim file is named by its content: a page that has read the manifest before this one never gets this network. */
export async function fileEntry(
  role: 'generator' | 'encoder',
  { variant, bytes }: { variant: Variant; bytes: Uint8Array },
  interim: boolean,
): Promise<FileEntry> {
  const sha256 = await sha256Hex(bytes);
  const path = interim ? `${role}.${variant}.${sha256.slice(0, 12)}.onnx` : `${role}.${variant}.onnx`;
  return { path, role, variant, bytes: bytes.length, sha256 };
}

async function trainerEntry(bytes: Uint8Array): Promise<FileEntry> {
  const path = 'trainer.fp16.safetensors';
  return { path, role: 'trainer', variant: 'fp16', bytes: bytes.length, sha256: await sha256Hex(bytes) };
}

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
  const inputs = {
    latent: ['batch', network.latent],
    ...(conditional ? { class: ['batch', network.classes] } : {}),
  };
  const { encode } = await trace(generatorFunction(trained), inputs, { name: 'generator' });
  const models = options.variants.map((variant) => ({ variant, bytes: encode(variant) }));
  // What is shown while it trains draws, and nothing else.
  const encoder = options.interim ? undefined : await traceEncoder(trained, options.variants);
  const traceMs = performance.now() - startedAt;

  const files = await Promise.all([
    ...models.map((model) => fileEntry('generator', model, options.interim === true)),
    ...(encoder?.models ?? []).map((model) => fileEntry('encoder', model, false)),
    ...(options.trainer ? [trainerEntry(options.trainer)] : []),
  ]);
  const contents = [...models, ...(encoder?.models ?? [])].map(({ bytes }) => bytes).concat(options.trainer ?? []);
  const [defaultVariant] = options.variants;
  const draft: Manifest = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    name,
    title: dataset.name,
    description: `Pictures in the manner of those in ${dataset.name}.`,
    license: `as the pictures in ${dataset.name}`,
    ...KNOWN[dataset.name],
    ...options.about,
    kind: trained.model.family,
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
    ...(encoder ? { encoder: encoder.entry } : {}),
    files,
    defaultVariant,
    defaultTruncation: options.truncation,
    goldens: [],
    ...(options.metrics ? { metrics: options.metrics } : {}),
    training: {
      preset: recipe.preset,
      config: {
        ...recipe,
        ...(dataset.options && { pictures: dataset.options }),
        ...(trained.encoder && { encoder: encoderConfig(trained.encoder) }),
      },
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
      const rows = options.interim ? INTERIM_ROWS : PREVIEW_ROWS;
      const cells = Array.from({ length: rows * columns }, (_, i) => ({
        seed: conditional ? Math.floor(i / columns) : i,
        class: conditional ? i % columns : undefined,
        truncation: options.truncation,
      }));
      const sheet = scaleUp(contactSheet(await generator.generate(cells), columns, 1), 2);
      preview = encodePng(onBackground(sheet, 'checkerboard'));
    }
    await session.release();
    if (!options.interim) agreement.push(await compareRuntimes(trained, variant, bytes));
  }

  const finished: Manifest = { ...draft, goldens };
  if (encoder) finished.encoder = { ...encoder.entry, goldens: await encoderGoldens(finished, encoder.models) };
  const manifest = parseManifest(JSON.parse(JSON.stringify(finished)));
  replaceFolder(out, (folder) => {
    for (const [i, bytes] of contents.entries()) writeFileSync(join(folder, files[i]?.path ?? ''), bytes);
    writeFileSync(join(folder, 'model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(join(folder, 'preview.png'), preview);
    writeFileSync(join(folder, 'MODEL_CARD.md'), modelCard(manifest));
    if (options.training) writeFileSync(join(folder, TRAINING_FILE), `${JSON.stringify(options.training)}\n`);
    chmodSync(folder, 0o755); // mkdtemp makes private folders; a bundle is to be served
  });
  return { manifest, traceMs, agreement };
}
