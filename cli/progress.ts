// Progress bars on standard error; JSON lines on standard output where a program listens.
import { Presets, SingleBar } from 'cli-progress';
import type { LoadProgress } from '../train/data/index.ts';
import type { ProgressReport } from '../train/loop.ts';

/** `1:20`, `5:00:00`. */
function clock(seconds: number): string {
  const s = Math.round(seconds);
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(s % 60)}`;
}

const LINES_MS = 10_000;

/** A bar on a terminal. Elsewhere a line where there is something new, at most one in 10 s, and the last one. */
export function trainingProgress(json: boolean): { update: (report: ProgressReport) => void; stop: () => void } {
  if (json) return { update: (report) => console.log(JSON.stringify(report)), stop: () => {} };
  return process.stderr.isTTY ? trainingBar() : trainingLines();
}

function factsOf({ images, total, imagesPerSecond, secondsLeft, statistics }: ProgressReport): string {
  const numbers = Object.entries(statistics).map(([name, value]) => `${name} ${value.toFixed(3)}`);
  const speed = `${imagesPerSecond.toFixed(0)} images/s`;
  return [`${images}/${total} images`, speed, `${clock(secondsLeft)} left`, ...numbers.slice(0, 2)].join(', ');
}

function trainingBar(): ReturnType<typeof trainingProgress> {
  let bar: SingleBar | undefined;
  return {
    update: (report) => {
      const payload = { facts: factsOf(report) };
      if (!bar) {
        bar = new SingleBar({ format: 'training {bar} {facts}' }, Presets.shades_classic);
        bar.start(report.total, report.images, payload);
      }
      bar.update(report.images, payload);
    },
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

function trainingLines(): ReturnType<typeof trainingProgress> {
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid: string | undefined;
  const say = (): void => {
    if (unsaid !== undefined) console.error(`training ${unsaid}`);
    saidAt = performance.now();
    unsaid = undefined;
  };
  return {
    update: (report) => {
      unsaid = factsOf(report);
      if (performance.now() - saidAt >= LINES_MS) say();
    },
    stop: say,
  };
}

/** Bars for what loading pictures may take: a download, then decoding. */
export function loadProgress(): { update: (progress: LoadProgress) => void; stop: () => void } {
  let bar: SingleBar | undefined;
  let current = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const show = (what: string, format: string, value: number, total: number): void => {
    if (what !== current) stop();
    current = what;
    if (!bar) {
      bar = new SingleBar({ format }, Presets.shades_classic);
      bar.start(total, value);
    }
    bar.update(value);
  };
  return {
    update: (progress) => {
      if (progress.kind === 'download') {
        const { file, received, total = 0 } = progress;
        show(file, `${file} {bar} {value}/{total} bytes`, received, total);
      } else
        show('decoding', 'reading pictures {bar} {value}/{total}, {eta_formatted} left', progress.done, progress.total);
    },
    stop,
  };
}

/** Says that a judge is being trained, and every 10 s how far it is. Throws what `signal` gives. */
export function judgeProgress(
  name: string,
  say: (line: string) => void,
  signal?: AbortSignal,
): (progress: { images: number; total: number }) => void {
  let said = Number.NEGATIVE_INFINITY;
  return ({ images, total }) => {
    signal?.throwIfAborted();
    if (performance.now() - said < 10_000 && images < total) return;
    said = performance.now();
    say(`training what judges the quality of ${name} (once for these pictures): ${images} of ${total} pictures seen`);
  };
}
