// Training steps in real Chromium: images a second of preset `quick`, of a recipe for 32 px colour, and of a published CNN ("stick"), by
// our traced step on onnxruntime-web beside tfjs op by op on each of its backends and, for the stick, jax-js:
// `npm run bench:web-train [-- --rounds 3 --seconds 5 --works quick --peers "ours,tfjs wasm" --hardware]`.
// All take turns within a round. CPU is told beside the clock, and is what counts on a machine that does other things as well.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { PEERS, type Peer, WORKS, type WorkName } from './peers/contest.ts';
import { type Contestant, peerPages } from './peers/host.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    /** Of CPU, of one peer in one round; one step at least. */
    seconds: { type: 'string', default: '5' },
    works: { type: 'string', default: WORKS.join() },
    peers: { type: 'string', default: PEERS.join() },
    /** The machine's own GPU; without it WebGL and WebGPU are computed in software. */
    hardware: { type: 'boolean', default: false },
    /** A peer that has not made its first step by then is left out. */
    patience: { type: 'string', default: '180' },
  },
});
const [rounds, seconds, patience] = [values.rounds, values.seconds, values.patience].map(Number) as [
  number,
  number,
  number,
];
function chosen<T extends string>(all: readonly T[], list: string): T[] {
  return list.split(',').map((name) => {
    const found = all.find((one) => one === name);
    if (found === undefined) throw new Error(`expected some of ${all.join(', ')}, got ${name}`);
    return found;
  });
}

interface Turn {
  readonly peer: Peer;
  readonly contestant: Contestant;
  /** Seconds of CPU of a step, as last measured. */
  step: number;
  readonly clock: number[];
  readonly cpu: number[];
}

const median = (list: readonly number[]): number => {
  const sorted = [...list].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
};
const shown = (x: number): string => x.toFixed(x < 10 ? 2 : 0);

async function compete(work: WorkName, peers: readonly Peer[]): Promise<void> {
  const pages = await peerPages({ webgpu: !values.hardware });
  const turns: Turn[] = [];
  for (const peer of peers) {
    try {
      const contestant = await pages.start(peer, work, patience);
      const { cpu } = await contestant.run(1);
      turns.push({ peer, contestant, step: cpu, clock: [], cpu: [] });
    } catch (error) {
      console.log(`${work}, ${peer}: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      const steps = Math.max(1, Math.round(seconds / Math.max(turn.step, 1e-3)));
      const { clock, cpu } = await turn.contestant.run(steps);
      const images = turn.contestant.started.batch * steps;
      turn.step = cpu / steps;
      turn.clock.push(images / clock);
      turn.cpu.push(images / cpu);
    }
  }
  const [ours] = turns;
  for (const { peer, contestant, clock, cpu } of turns) {
    const { preparing, first } = contestant.started;
    const times =
      ours && peer !== ours.peer ? `; ${ours.peer} is ${shown(median(ours.cpu) / median(cpu))} times that` : '';
    console.log(
      `${work}, ${peer}: ${shown(median(clock))} images/s, ${shown(median(cpu))} a second of CPU (${cpu.map(shown).join(', ')})${times}; ` +
        `preparing ${shown(preparing / 1000)} s, first step ${shown(first / 1000)} s`,
    );
  }
  await pages.close();
}

for (const work of chosen(WORKS, values.works)) await compete(work, chosen(PEERS, values.peers));
console.log(
  `load average ${loadavg()
    .map((x) => x.toFixed(1))
    .join(' ')}, this bench included`,
);
