// Makes a model bundle of a trained generator: one ONNX file a variant, model.json with goldens, preview, model card. As bytes: a
// folder of them is write.ts's, and a page keeps them as it keeps others.
import { onBackground } from '../contract/background.ts';
import { base64 } from '../contract/base64.ts';
import { sha256Hex } from '../contract/bundle.ts';
import {
  createGenerator,
  type PictureRequest,
  type SessionLike,
  type TensorConstructor,
} from '../contract/generator.ts';
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
import { completerGoldens, traceCompleter } from './completer.ts';
import { type AttachedEncoder, encoderConfig, encoderGoldens, stillFitting, traceEncoder } from './encoder.ts';
import { generatorFunction, type TrainedGenerator } from './weights.ts';

/** What people are told of a model, in words. */
export type About = Partial<Pick<Manifest, 'title' | 'description' | 'license'>>;

export interface Session {
  readonly session: SessionLike & { release(): Promise<void> };
  readonly Tensor: TensorConstructor;
}

/** onnxruntime-web's wasm, which goldens are made on, started on a model. */
export type StartSession = (model: Uint8Array) => Promise<Session>;

export interface BundleOptions {
  /** A part of addresses: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** How weights are stored; the first is what is used unless another is asked for. */
  readonly variants: readonly [Variant, ...Variant[]];
  /** Factor on latents unless another is asked for. */
  readonly truncation: number;
  readonly engine: string;
  readonly metrics?: BundleMetrics;
  readonly about?: About;
  /** A snapshot on the way, which the next one replaces: made in a second, without comparing run-times. */
  readonly interim?: boolean;
  /** Of the bundle that this one takes the place of; goes along where it fits the generator and the generator has none of its own. */
  readonly attached?: AttachedEncoder;
  /** What another training can go on from, as encodeTrainer() gives it. */
  readonly trainer?: Uint8Array;
  /** What training.json of the bundle says, while it is being trained. */
  readonly training?: Training;
}

export interface MadeBundle {
  readonly manifest: Manifest;
  /** Every file by its name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The generator in every variant. */
  readonly models: readonly { readonly variant: Variant; readonly bytes: Uint8Array }[];
  /** Milliseconds to trace and encode all variants. */
  readonly traceMs: number;
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
  role: 'generator' | 'encoder' | 'completer',
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

/** @throws Error where `name` is none that addresses can have */
export async function makeBundle(
  trained: TrainedGenerator,
  options: BundleOptions,
  start: StartSession,
): Promise<MadeBundle> {
  const { name } = options;
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
  const own = options.interim ? undefined : await traceEncoder(trained, options.variants);
  const attached = own || options.interim ? undefined : await stillFitting(options.attached, encode, options.variants);
  const encoder = own ?? attached;
  const completer = options.interim ? undefined : await traceCompleter(trained, options.variants);
  const traceMs = performance.now() - startedAt;

  const files = await Promise.all([
    ...models.map((model) => fileEntry('generator', model, options.interim === true)),
    ...(encoder?.models ?? []).map((model) => fileEntry('encoder', model, false)),
    ...(completer?.models ?? []).map((model) => fileEntry('completer', model, false)),
    ...(options.trainer ? [trainerEntry(options.trainer)] : []),
  ]);
  const contents = [...models, ...(encoder?.models ?? []), ...(completer?.models ?? [])]
    .map(({ bytes }) => bytes)
    .concat(options.trainer ?? []);
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
    ...(completer ? { completer: completer.entry } : {}),
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
        ...(attached && { encoder: attached.config }),
      },
      dataset: { name: dataset.name, sha256: dataset.sha256 },
      imagesSeen: trained.imagesSeen,
      engine: options.engine,
      seed: recipe.seed,
    },
  };

  const goldens: Golden[] = [];
  let preview = new Uint8Array();
  for (const { variant, bytes } of models) {
    const { session, Tensor } = await start(bytes);
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
        pixels: base64(picture.data),
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
  }

  const finished: Manifest = { ...draft, goldens };
  if (encoder) finished.encoder = { ...encoder.entry, goldens: await encoderGoldens(finished, encoder.models, start) };
  if (completer)
    finished.completer = { ...completer.entry, goldens: await completerGoldens(finished, completer.models, start) };
  const manifest = parseManifest(JSON.parse(JSON.stringify(finished)));
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  return {
    manifest,
    models,
    traceMs,
    files: new Map([
      ...contents.map((bytes, i) => [files[i]?.path ?? '', bytes] as const),
      ['model.json', text(`${JSON.stringify(manifest, null, 2)}\n`)],
      ['preview.png', preview],
      ['MODEL_CARD.md', text(modelCard(manifest))],
      ...(options.training ? [[TRAINING_FILE, text(`${JSON.stringify(options.training)}\n`)] as const] : []),
    ]),
  };
}
