// How a training is told where its output is no terminal: a log that people scroll through.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trainingProgress } from '../../cli/progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('a line is for what is new: none while nothing is, one in ten seconds at most, and the last one', () => {
  const lines: unknown[] = [];
  vi.spyOn(console, 'error').mockImplementation((line) => lines.push(line));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(text) > 0);
  const progress = trainingProgress(false);
  const report = (images: number) =>
    progress.update({ images, total: 400, imagesPerSecond: 5, secondsLeft: 80, statistics: { lossD: 0.5 } });
  report(100);
  vi.advanceTimersByTime(60_000); // one step may take that long
  expect(lines).toEqual(['training 100/400 images, 5 images/s, 1:20 left, lossD 0.500']);
  report(200);
  vi.advanceTimersByTime(3000);
  report(300);
  vi.advanceTimersByTime(3000);
  report(400);
  expect(lines).toHaveLength(2);
  progress.stop();
  progress.stop();
  expect(lines.map((line) => String(line).slice(0, 16))).toEqual([
    'training 100/400',
    'training 200/400',
    'training 400/400',
  ]);
});
