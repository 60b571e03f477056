// The trainer's worker: the loop of `pocketgen train` with onnxruntime-web's wasm and a run in the browser's private file system.
// tfjs and the tracer come with it, so it is loaded when somebody begins to make a model.
import '../policy.ts';
import { UserError } from '../../contract/errors.ts';
import { contactSheet } from '../../contract/picture.ts';
import { levelsOf } from '../../contract/pixels.ts';
import { makeBundle } from '../../export/bundle.ts';
import { measuredHistory, trainingHistory } from '../../export/history.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { nearCopyFinder, premultiplied } from '../../train/data/near-copies.ts';
import { HELD_OUT, PICTURES, packPictures, unpackPictures } from '../../train/data/packed.ts';
import type { PictureSet } from '../../train/data/types.ts';
import type { StartEngine, TrainingEngine } from '../../train/engines/engine.ts';
import { computeNothing } from '../../train/engines/nothing.ts';
import { createOnnxEngine } from '../../train/engines/onnx.ts';
import type { Runtime } from '../../train/engines/runtime.ts';
import { createModel } from '../../train/families/models.ts';
import { type Show, START, train } from '../../train/loop.ts';
import { forecast, measureSpeed } from '../../train/report/forecast.ts';
import { drawSamples } from '../../train/report/samples.ts';
import { saveCheckpoint } from '../../train/store/checkpoint.ts';
import { RUN } from '../../train/store/files.ts';
import { packRun, unpackRun } from '../../train/store/packed-run.ts';
import { listSamples, openRun, type RunConfig, readConfig, readStats } from '../../train/store/run.ts';
import { listRuns, noRoom, opfsFiles, removeRun } from './files.ts';
import { planOf, splitOf } from './new-run.ts';
import type { Call, Calls, FromTrainer, RunSummary } from './protocol.ts';
import { sparingQuality } from './quality.ts';
import { sessionsOf, startRuntime } from './runtime.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromTrainer): void => scope.postMessage(message);

const CHECKPOINT_SECONDS = 15;
const PROGRESS_MS = 500;
/** Samples take at most this part of the time, and come at most so often. */
const SAMPLES_SHARE = 0.05;
const SAMPLES_MS = 4000;

computeNothing();
let runtime: Runtime | undefined;
let stop: AbortController | undefined;
let rest = 0;

function started(): Runtime {
  if (runtime === undefined) throw new Error('trainer: expected its runtime first');
  return runtime;
}

const startEngine: StartEngine = (given) => createOnnxEngine(given, started());

/** As the loop records it. */
const recorded = (recipe: RunConfig['recipe'], pictures: PictureSet): Omit<RunConfig, 'plans'> => {
  const { name, sha256, count, classes, note, options } = pictures;
  return { recipe, dataset: { source: PICTURES, name, sha256, count, classes, note, ...(options && { options }) } };
};

/** Hears messages that came during a step, and rests. A timer is held back in a hidden tab, a message is not. */
function breathe(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    if (milliseconds >= 1) return void setTimeout(resolve, milliseconds);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

async function filesOf(id: string) {
  const { dataset } = await readConfig(opfsFiles(id, id));
  return opfsFiles(id, dataset.name);
}

async function summaryOf(id: string): Promise<RunSummary[]> {
  const files = opfsFiles(id, id);
  try {
    const { recipe, dataset } = await readConfig(files);
    const saved = (await files.list(RUN.checkpoints)).filter((name) => name.endsWith('.safetensors')).at(-1);
    return [
      {
        id,
        name: dataset.name,
        size: recipe.network.resolution,
        pictures: dataset.count,
        classes: dataset.classes,
        images: saved === undefined ? 0 : Number.parseInt(saved, 10),
        total: recipe.images,
      },
    ];
  } catch {
    return []; // one that was being made when the page was closed
  }
}

function samplesOf(model: ReturnType<typeof createModel>, pictures: PictureSet): Show {
  let due = 0;
  /** Made with the first samples: each training picture is hashed for it. */
  let copiesIn: ReturnType<typeof nearCopyFinder> | undefined;
  return {
    due: () => performance.now() >= due,
    async show(engine: TrainingEngine, images) {
      const before = performance.now();
      const { pictures: drawn, columns } = await drawSamples(engine, model.spec);
      copiesIn ??= nearCopyFinder(premultiplied(pictures));
      const pixels = new Uint8Array(drawn.length * pictures.width ** 2 * pictures.channels);
      for (const [i, picture] of drawn.entries()) pixels.set(levelsOf(picture), (i * pixels.length) / drawn.length);
      const found = copiesIn(premultiplied({ ...pictures, count: drawn.length, pixels }));
      const copies = found.filter((index) => index >= 0).length / drawn.length;
      const now = performance.now();
      due = now + Math.max(SAMPLES_MS, (now - before) / SAMPLES_SHARE);
      post({ type: 'samples', picture: contactSheet(drawn, columns, 1), images, copies });
    },
  };
}

type Answers = { [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<ReturnType<Calls[K]>> };

const answers: Answers = {
  async start(parts) {
    runtime = await startRuntime(parts);
  },

  runs: async () => (await Promise.all((await listRuns()).map(summaryOf))).flat(),

  async forecast(run) {
    const { train } = splitOf(run);
    const { recipe } = planOf(run, train, 1_000_000);
    const imagesPerSecond = await measureSpeed(recipe, train, startEngine);
    const { resolution, channels } = recipe.network;
    const { first, good } = forecast({ imagesPerSecond, count: train.count, resolution, channels });
    return { imagesPerSecond, first, good };
  },

  async create(run, images) {
    const { train, test } = splitOf(run);
    const { recipe, start } = planOf(run, train, images);
    const id = crypto.randomUUID();
    const files = opfsFiles(id, run.name);
    await files.write(PICTURES, packPictures(train));
    if (test.count > 0) await files.write(HELD_OUT, packPictures(test));
    // What it begins with is its first checkpoint, so that it can be reloaded and moved before there is another.
    if (start) await saveCheckpoint(files, { progress: START, state: start }, createModel(recipe).state);
    (await openRun(files, recorded(recipe, train))).release();
    return id;
  },

  async train(id, images) {
    const files = await filesOf(id);
    const config = await readConfig(files);
    const recipe = { ...config.recipe, images: Math.max(images ?? 0, config.recipe.images) };
    const packed = await files.read(PICTURES);
    if (!packed) throw new UserError(`${files.name}: expected its pictures on this device, got none; make it again`);
    const pictures = unpackPictures(packed);
    const heldOut = await files.read(HELD_OUT);
    const test = heldOut && unpackPictures(heldOut);
    const model = createModel(recipe);
    stop = new AbortController();
    const { signal } = stop;
    const say = (sentence: string): void => post({ type: 'said', sentence });
    let told = 0;
    let last = performance.now();
    // Of the session, without the time it has rested.
    let worked = 0;
    let first: number | undefined;
    let measured = false;
    const quality =
      test &&
      sparingQuality({
        ...{ files, splits: { train: pictures, test }, model, compute: started(), images: recipe.images, signal, say },
        breathe: (milliseconds) => breathe(rest * milliseconds),
        onJudging: (share) => post({ type: 'judging', share }),
      });
    const tellQuality = async (): Promise<void> => post({ type: 'history', history: await measuredHistory(files) });
    await tellQuality();
    const ended = await train({
      ...{ recipe, pictures, files, source: PICTURES, engine: startEngine },
      ...(quality && {
        quality: {
          ...quality,
          async check(...given) {
            const found = await quality.check(...given);
            measured = found !== undefined;
            last = performance.now(); // no part of a step
            return found;
          },
        },
      }),
      ...(test && { heldOut: test }),
      signal,
      checkpointSeconds: CHECKPOINT_SECONDS,
      show: samplesOf(model, pictures),
      onMessage: say,
      async onStep(seen, statistics) {
        const step = performance.now() - last;
        if (first !== undefined) worked += step;
        first ??= seen;
        await breathe(rest * step);
        if (measured) await tellQuality();
        measured = false;
        last = performance.now();
        if (last - told < PROGRESS_MS) return;
        told = last;
        const imagesPerSecond = worked > 0 ? ((seen - first) / worked / (1 + rest)) * 1000 : 0;
        post({ type: 'progress', progress: { images: seen, total: recipe.images, imagesPerSecond, statistics } });
      },
    });
    await tellQuality();
    return ended;
  },

  async pause() {
    stop?.abort();
  },

  async rest(share) {
    rest = share;
  },

  async look(id) {
    const files = await filesOf(id);
    const sheet = (await listSamples(files)).at(-1);
    return {
      images: (await readStats(files)).at(-1)?.images ?? 0,
      sheet: sheet && (await files.read(`${RUN.samples}/${sheet.file}`)),
    };
  },

  async bundle(id, about) {
    const files = await filesOf(id);
    const trained = await loadGenerator(files, (sentence) => post({ type: 'said', sentence }));
    const engines = [...new Set((await readStats(files)).flatMap(({ engine }) => engine ?? []))];
    const made = await makeBundle(
      trained,
      {
        name: about.name,
        variants: ['int8', 'fp16', 'fp32'],
        truncation: 1,
        engine: engines.join(', ') || 'not recorded',
        about: { title: about.title },
        trainer: await loadTrainer(files, (sentence) => post({ type: 'said', sentence })),
        metrics: await trainingHistory(files, trained.imagesSeen, trained.model.spec.resolution),
      },
      sessionsOf(started()),
    );
    return new Map([...made.files].map(([name, bytes]) => [name, new Uint8Array(bytes)]));
  },

  pack: async (id) => packRun(await filesOf(id)),

  async unpack(zip) {
    const id = crypto.randomUUID();
    const files = opfsFiles(id, 'run');
    // The config last: until it is there, there is no run.
    const content = [...unpackRun(zip)].sort(([a], [b]) => Number(a === RUN.config) - Number(b === RUN.config));
    for (const [path, bytes] of content) await files.write(path, bytes);
    await readConfig(files);
    return id;
  },

  remove: (id) => removeRun(id),
};

scope.addEventListener('message', ({ data: { id, name, args } }: MessageEvent<Call>) => {
  const answer = answers[name] as (...args: unknown[]) => Promise<unknown>;
  answer(...args).then(
    (value) => post({ type: 'answer', id, value }),
    (error: unknown) => {
      const message = noRoom(error) ?? (error instanceof Error ? error.message : String(error));
      post({ type: 'failed', id, message, plain: error instanceof UserError || noRoom(error) !== undefined });
    },
  );
});
