// Progress bars on standard error; JSON lines on standard output where a program listens.
import { Presets, SingleBar } from 'cli-progress';
import type { DownloadProgress } from '../train/data/index.ts';
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
        d: statistics.lossD.toFixed(3),
        g: statistics.lossG.toFixed(3),
      };
      if (!bar) {
        bar = new SingleBar(
          {
            format: 'training {bar} {value}/{total} images, {speed} images/s, {left} left, loss D {d} G {g}',
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

export function downloadProgress(): { update: (progress: DownloadProgress) => void; stop: () => void } {
  let bar: SingleBar | undefined;
  let current = '';
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    update: ({ file, received, total }) => {
      if (file !== current) stop();
      current = file;
      if (!bar) {
        bar = new SingleBar({ format: '{file} {bar} {value}/{total} bytes' }, Presets.shades_classic);
        bar.start(total ?? 0, received, { file });
      }
      bar.update(received);
    },
    stop,
  };
}
