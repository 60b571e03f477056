// Progress bars on standard error; JSON lines on standard output where a program listens.
import { Presets, SingleBar } from 'cli-progress';
import type { LoadProgress } from '../train/data/index.ts';
import type { ProgressReport } from '../train/loop.ts';

function clock(seconds: number): string {
  const s = Math.round(seconds);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

export function trainingProgress(json: boolean): { update: (report: ProgressReport) => void; stop: () => void } {
  if (json) return { update: (report) => console.log(JSON.stringify(report)), stop: () => {} };
  let bar: SingleBar | undefined;
  return {
    update: ({ images, total, imagesPerSecond, secondsLeft, statistics }) => {
      const payload = {
        speed: imagesPerSecond.toFixed(0),
        left: clock(secondsLeft),
        numbers: Object.entries(statistics)
          .slice(0, 2)
          .map(([name, value]) => `${name} ${value.toFixed(3)}`)
          .join(', '),
      };
      if (!bar) {
        bar = new SingleBar(
          {
            format: 'training {bar} {value}/{total} images, {speed} images/s, {left} left, {numbers}',
            noTTYOutput: true,
            notTTYSchedule: 10_000,
          },
          Presets.shades_classic,
        );
        bar.start(total, images, payload);
      }
      bar.update(images, payload);
    },
    stop: () => {
      bar?.stop();
      bar = undefined;
    },
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
