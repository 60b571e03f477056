// Images per second of the training step, engine by engine, same network: `npm run bench:train [-- --rounds 5 --profile]`.
// Engines and losses take turns within a round, so that a busy machine disturbs all of them alike; medians are printed.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { randomPictures, type Setup, scalarsAt, setup } from '../tests/helpers/training.ts';
import { createEagerEngine } from '../train/engines/eager.ts';
import type { TrainingEngine } from '../train/engines/engine.ts';
import { createEngine } from '../train/engines/index.ts';
import { traceStep } from '../train/engines/onnx.ts';
import { inputShapes, SCALARS, stateShapes } from '../train/families/gan/step.ts';
import type { NetworkSpec } from '../train/nn/spec.ts';
import { PRESETS, recipeFor } from '../train/recipe.ts';
import { dcgan, STEPS } from './networks.ts';
import { benchOwn } from './own.ts';
import { benchPhases } from './phases.ts';
import { startWasm } from './wasm-kernels.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    /** Steps of engine onnx in a round; the slow engines do one. */
    steps: { type: 'string', default: '8' },
    batch: { type: 'string', default: '64' },
    profile: { type: 'boolean', default: false },
    /** Engine onnx on the presets' networks too. */
    presets: { type: 'boolean', default: false },
    /** Only engine onnx. */
    quick: { type: 'boolean', default: false },
    /** Instead: every phase of each family, see phases.ts. */
    phases: { type: 'boolean', default: false },
    /** Instead: what own pictures cost, see own.ts. */
    own: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const onnxSteps = Number(values.steps);
const batch = Number(values.batch);
/** tfjs's cpu backend needs a minute for 64 pictures; its images per second do not depend on the batch. */
const CPU_BATCH = 4;

type Engine = 'onnx' | 'tfjs wasm' | 'tfjs cpu';
type Step = 'plain' | 'modern';

interface Contest {
  readonly network: string;
  readonly step: Step;
  readonly engine: Engine;
  readonly setup: Setup;
}

const NETWORKS: Record<string, NetworkSpec> = { 'DCGAN 4x4': dcgan(4), 'DCGAN 5x5': dcgan(5) };
if (values.presets) {
  const pictures = randomPictures({ resolution: 28, channels: 1, classes: 10 }, 10, 1);
  for (const [preset, { family }] of Object.entries(PRESETS))
    if (family === 'gan') NETWORKS[preset] = recipeFor(preset, pictures).network;
}

function contests(): Contest[] {
  return Object.entries(NETWORKS).flatMap(([network, spec]) => {
    const engines: Engine[] = values.quick || network in PRESETS ? ['onnx'] : ['onnx', 'tfjs wasm', 'tfjs cpu'];
    return (['plain', 'modern'] as const).flatMap((step) =>
      engines.map((engine) => ({
        network,
        step,
        engine,
        setup: setup(spec, { ...STEPS[step], batch: engine === 'tfjs cpu' ? CPU_BATCH : batch }),
      })),
    );
  });
}

async function start({ engine, setup: { model, state } }: Contest): Promise<TrainingEngine> {
  const given = { model, state };
  switch (engine) {
    case 'onnx':
      return createEngine('onnx', { ...given, device: 'cpu' });
    case 'tfjs wasm':
      return createEagerEngine(given, 'wasm');
    case 'tfjs cpu':
      return createEagerEngine(given, 'cpu');
    default:
      return engine satisfies never;
  }
}

const median = (list: readonly number[]): number => {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** Images per second of each round. */
async function compete(list: readonly Contest[]): Promise<Map<Contest, number[]>> {
  const speeds = new Map<Contest, number[]>(list.map((contest) => [contest, []]));
  const running = new Map<Contest, TrainingEngine>();
  const scalars = { ...scalarsAt(100, 0), learningRate: 1e-5 };
  for (let round = 0; round <= rounds; round++) {
    // The order turns with every round: none always runs after the same other.
    for (const contest of round % 2 === 0 ? list : [...list].reverse()) {
      // tfjs has one current backend, so an eager engine cannot wait its turn: it starts anew.
      const engine = running.get(contest) ?? (await start(contest));
      if (contest.engine === 'onnx') running.set(contest, engine);
      const inputs = contest.setup.inputs(round);
      const steps = contest.engine === 'onnx' ? onnxSteps : 1;
      if (contest.engine !== 'tfjs cpu') await engine.step(contest.setup.phase, inputs, scalars);
      const before = performance.now();
      for (let i = 0; i < steps; i++) await engine.step(contest.setup.phase, inputs, scalars);
      const speed = (1000 * steps * contest.setup.options.batch) / (performance.now() - before);
      // Round 0 warms up.
      if (round > 0) speeds.get(contest)?.push(speed);
      if (contest.engine !== 'onnx') await engine.dispose();
      process.stderr.write(
        `\rround ${round} of ${rounds}: ${contest.network}, ${contest.step}, ${contest.engine}`.padEnd(70),
      );
    }
  }
  process.stderr.write('\n');
  for (const engine of running.values()) await engine.dispose();
  return speeds;
}

const profileSchema = z.array(
  z.object({
    cat: z.string().optional(),
    dur: z.number().optional(),
    args: z.object({ op_name: z.string().optional() }).optional(),
  }),
);

/** Share of the time that onnxruntime spends in each operator. */
async function profile(given: Setup): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-profile-'));
  const session = await ort.InferenceSession.create(await traceStep(given.phase), {
    enableProfiling: true,
    profileFilePrefix: join(folder, 'step'),
  });
  const values = { ...given.state, ...given.inputs(0) };
  const shapes = { ...stateShapes(given.options), ...inputShapes(given.options) };
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, dims]) => {
      const isScalar = (SCALARS as readonly string[]).includes(name);
      return [name, new ort.Tensor('float32', isScalar ? [0.5] : (values[name] ?? []), dims)];
    }),
  );
  for (let i = 0; i < 10; i++) await session.run(feeds);
  session.endProfiling();
  await session.release();
  const [file = 'none'] = readdirSync(folder);
  const events = profileSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  rmSync(folder, { recursive: true });
  const times = new Map<string, number>();
  for (const { cat, dur = 0, args } of events) {
    if (cat === 'Node' && args?.op_name) times.set(args.op_name, (times.get(args.op_name) ?? 0) + dur);
  }
  const total = [...times.values()].reduce((a, b) => a + b, 0);
  for (const [op, time] of [...times].sort((a, b) => b[1] - a[1]).slice(0, 12)) {
    console.log(
      `  ${op.padEnd(14)} ${((100 * time) / total).toFixed(1).padStart(5)} %  ${(time / 10_000).toFixed(2).padStart(8)} ms a step`,
    );
  }
}

if (values.phases) {
  await benchPhases(Number(values.rounds) * 5);
  process.exit();
}
if (values.own) {
  await benchOwn(Number(values.rounds) * 2);
  process.exit();
}

const missing = values.quick ? undefined : await startWasm();
const list = contests();
const speeds = await compete(list);
const speedOf = (network: string, step: Step, engine: Engine): number | undefined => {
  const contest = list.find((c) => c.network === network && c.step === step && c.engine === engine);
  return contest && median(speeds.get(contest) ?? []);
};
const shown = (x: number | undefined): string => (x === undefined ? '–' : x >= 10 ? x.toFixed(0) : x.toFixed(1));

console.log(`\nImages per second, batch ${batch}, median of ${rounds} rounds, ${cpus().length} × ${cpus()[0]?.model}`);
console.log(
  `load average of the last minutes: ${loadavg()
    .map((x) => x.toFixed(1))
    .join(' ')} (this run is part of it)`,
);
const columns = ['network', 'step', 'onnx', 'tfjs wasm', 'tfjs cpu', 'onnx ÷ best tfjs', 'plain ÷ this, onnx'];
const rows = Object.keys(NETWORKS).flatMap((network) =>
  (['plain', 'modern'] as const).map((step) => {
    const [onnx, wasm, cpu] = (['onnx', 'tfjs wasm', 'tfjs cpu'] as const).map((e) => speedOf(network, step, e));
    const stock = Math.max(wasm ?? 0, cpu ?? 0);
    const plain = speedOf(network, 'plain', 'onnx');
    const cost = onnx && plain ? (plain / onnx).toFixed(2) : '–';
    return [
      network,
      step,
      shown(onnx),
      shown(wasm),
      shown(cpu),
      stock > 0 && onnx ? `${(onnx / stock).toFixed(1)}x` : '–',
      cost,
    ];
  }),
);
const widths = columns.map((c, i) => Math.max(c.length, ...rows.map((r) => r[i]?.length ?? 0)));
const line = (cells: readonly string[]): string => cells.map((c, i) => c.padEnd(widths[i] ?? 0)).join('  ');
console.log(line(columns));
console.log(line(widths.map((w) => '-'.repeat(w))));
for (const row of rows) console.log(line(row));
if (missing) {
  console.log(
    `\ntfjs wasm has no ${missing} and cannot train; here it runs with one written in bench/wasm-kernels.ts.`,
  );
}
console.log(
  `tfjs cpu runs batches of ${CPU_BATCH}. plain: bce without penalty; modern: relativistic, R1 + R2 on every step.`,
);

if (values.profile) {
  for (const { network, step, engine, setup: given } of list) {
    if (engine !== 'onnx') continue;
    console.log(`\n${network}, ${step}: time by operator`);
    await profile(given);
  }
}
