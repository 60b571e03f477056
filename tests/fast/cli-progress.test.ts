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

test.each([
  [59.6, '1:00'],
  [3599, '59:59'],
  [18_000, '5:00:00'],
  [100_065, '27:47:45'],
])('%d seconds are %s', (secondsLeft, left) => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const progress = trainingProgress(false);
  progress.update({ images: 1, total: 2, imagesPerSecond: 5, secondsLeft, statistics: {} });
  progress.stop();
  expect(said.mock.calls).toEqual([[`training 1/2 images, 5 images/s, ${left} left`]]);
});
