// The trainer's worker: the loop of `pocketgen train` with onnxruntime-web's wasm and a run in the browser's private file system.
// tfjs and the tracer come with it, so it is loaded when somebody begins to make a model.
import '../policy.ts';
import { UserError } from '../../contract/errors.ts';
import { makeBundle } from '../../export/bundle.ts';
import { trainingHistory } from '../../export/history.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { HELD_OUT, PICTURES, packPictures } from '../../train/data/packed.ts';
import type { PictureSet } from '../../train/data/types.ts';
import type { StartEngine } from '../../train/engines/engine.ts';
import { computeNothing } from '../../train/engines/nothing.ts';
import { createOnnxEngine } from '../../train/engines/onnx.ts';
import type { Runtime } from '../../train/engines/runtime.ts';
import { createTrialEngine } from '../../train/engines/trial.ts';
import { createModel } from '../../train/families/models.ts';
import { START } from '../../train/loop.ts';
import { forecast, measureSpeed } from '../../train/report/forecast.ts';
import { saveCheckpoint } from '../../train/store/checkpoint.ts';
import { RUN } from '../../train/store/files.ts';
import { packRun, unpackRun } from '../../train/store/packed-run.ts';
import { listSamples, openRun, type RunConfig, readConfig, readStats } from '../../train/store/run.ts';
import { isBeingMade, listRuns, noRoom, opfsFiles, removeRun, whileMaking } from './files.ts';
import { planOf, splitOf } from './new-run.ts';
import { type Call, type Calls, type FromTrainer, type RunSummary, TrainedElsewhere } from './protocol.ts';
import { sessionsOf, startGpuRuntime, startRuntime } from './runtime.ts';
import { trainSession } from './session.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromTrainer): void => scope.postMessage(message);

computeNothing();
let runtime: Runtime | undefined;
let gpu: { runtime: Runtime; asked: boolean } | undefined;
/** One that went away is not tried again. */
let lostGpu = false;
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
  } catch (error) {
    if ((await files.read(RUN.config)) === undefined) {
      // One that was being made when the page was closed: nobody else would free its room.
      if (!(await isBeingMade(id))) await removeRun(id);
      return [];
    }
    const problem = error instanceof Error ? error.message : String(error);
    return [{ id, name: id, size: 0, pictures: 0, classes: [], images: 0, total: 0, problem }];
  }
}

/** A run's files, or none of them. */
async function making(id: string, work: () => Promise<void>): Promise<string> {
  return whileMaking(id, async () => {
    try {
      await work();
      return id;
    } catch (error) {
      await removeRun(id).catch(() => undefined); // there may be nothing yet
      throw error;
    }
  });
}

type Answers = { [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<ReturnType<Calls[K]>> };

const answers: Answers = {
  async start(parts) {
    runtime = await startRuntime(parts);
  },

  async offerGpu(offered) {
    if (lostGpu) return;
    gpu = offered && { runtime: gpu?.runtime ?? (await startGpuRuntime(offered.runtime)), asked: offered.asked };
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
    return making(id, async () => {
      await files.write(PICTURES, packPictures(train));
      if (test.count > 0) await files.write(HELD_OUT, packPictures(test));
      // What it begins with is its first checkpoint, so that it can be reloaded and moved before there is another.
      if (start) await saveCheckpoint(files, { progress: START, state: start }, createModel(recipe).state);
      await (await openRun(files, recorded(recipe, train))).release();
    });
  },

  async train(id, images) {
    // Before anything is waited for: who pauses now means this one.
    stop = new AbortController();
    const { signal } = stop;
    const files = await filesOf(id);
    const session = (engine: StartEngine) =>
      trainSession(files, images, { engine, compute: started(), signal, post, rest: () => rest });
    if (!gpu) return session(startEngine);
    const { runtime: candidate, asked } = gpu;
    const say = (sentence: string): void => post({ type: 'said', sentence });
    try {
      return await session((given) => createTrialEngine(given, { trusted: started(), candidate, asked, say }));
    } catch (error) {
      if (error instanceof UserError || noRoom(error)) throw error;
      lostGpu = true;
      gpu = undefined;
      const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
      say(`${reason}; it goes on from what was saved last, on the processor`);
      return session(startEngine);
    }
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
    return making(id, async () => {
      for (const [path, bytes] of content) await files.write(path, bytes);
      await readConfig(files);
    });
  },

  async remove(id) {
    const unlock = await opfsFiles(id, id).lock(); // not from under another tab that trains it
    try {
      await removeRun(id);
    } finally {
      await unlock();
    }
  },
};

scope.addEventListener('message', ({ data: { id, name, args } }: MessageEvent<Call>) => {
  const answer = answers[name] as (...args: unknown[]) => Promise<unknown>;
  answer(...args).then(
    (value) => post({ type: 'answer', id, value }),
    (error: unknown) => {
      const message = noRoom(error) ?? (error instanceof Error ? error.message : String(error));
      const plain = error instanceof UserError || noRoom(error) !== undefined;
      post({
        type: 'failed',
        id,
        message,
        kind: error instanceof TrainedElsewhere ? 'elsewhere' : plain ? 'plain' : 'fault',
      });
    },
  );
});
