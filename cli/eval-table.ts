// The table that `pocketgen eval` prints.
import type { Completion } from '../train/eval/completion.ts';
import type { EvalResult } from './commands/eval.ts';

export function evaluationTable(result: EvalResult): string {
  const { generated, real, judge, ganTrain, memorisation, reconstruction, completion, protocol, dataset, imagesSeen } =
    result;
  const row = (name: string, a: number | undefined, b: number | undefined, digits: number, what: string): string[] => {
    if (a === undefined && b === undefined) return [];
    const cell = (value: number | undefined): string => (value?.toFixed(digits) ?? '–').padStart(11);
    return [`${name.padEnd(16)}${cell(a)}${cell(b)}   ${what}`];
  };
  const completed = (half: Pick<Completion, 'classKept' | 'spread'> | undefined): string[] => [
    ...row('class kept', half?.classKept, reconstruction?.classOfPictures, 4, 'accuracy of the judge'),
    ...row(
      'spread',
      half?.spread,
      completion?.spreadOfPictures,
      4,
      `difference of two of ${completion?.seeds} seeds where they draw; real: of two pictures there`,
    ),
  ];
  const on = protocol.background === undefined ? '' : ` on ${protocol.background}`;
  return [
    `${generated.samples} generated pictures${on} (model after ${imagesSeen} images, truncation ${protocol.truncation}) against ` +
      `${protocol.referenceSamples} held-out ones of ${dataset.name}; judge: accuracy ${judge.accuracy?.toFixed(4) ?? 'unknown'} on ${judge.task}`,
    `${''.padEnd(16)}${'generated'.padStart(11)}${'real'.padStart(11)}`,
    ...row('FID', generated.fid, real.fid, 3, 'lower is better'),
    ...row('KID', generated.kid, real.kid, 5, 'lower is better; 0 is what endless real pictures score'),
    ...row('  95 %, from', generated.kidLow, real.kidLow, 5, 'bootstrap interval over the pictures of both sides'),
    ...row('  to', generated.kidHigh, real.kidHigh, 5, ''),
    ...row('precision', generated.precision, real.precision, 3, 'share of generated pictures that look real'),
    ...row('recall', generated.recall, real.recall, 3, 'share of real pictures the generator could draw'),
    ...row('density', generated.density, real.density, 3, 'higher: generated pictures lie where real ones are dense'),
    ...row('coverage', generated.coverage, real.coverage, 3, 'share of real pictures with a generated one near'),
    ...row('GAN-test', generated.ganTest, real.ganTest, 4, 'accuracy of the judge'),
    ...row('GAN-train', ganTrain?.generated, ganTrain?.real, 4, 'classifier trained on these, tested on real'),
    ...row(
      'near copies',
      generated.nearCopies,
      real.nearCopies,
      3,
      'share that repeats a training picture; real: training ones that repeat another',
    ),
    ...row(
      'nearest',
      memorisation?.generatedMedian,
      memorisation?.heldOutMedian,
      2,
      'median distance to the nearest training picture, levels of 255',
    ),
    ...row(
      'nearer',
      memorisation?.closerThanFirstPercentile,
      memorisation && 0.01,
      3,
      'share nearer than the nearest 1 % of real ones',
    ),
    ...row('Nyquist', generated.nyquist, real.nyquist, 2, 'dB over real pictures: checkerboard of single pixels'),
    ...row('  columns', generated.nyquistHorizontal, real.nyquistHorizontal, 2, 'alternating columns'),
    ...row('  rows', generated.nyquistVertical, real.nyquistVertical, 2, 'alternating rows'),
    ...row('upper third', generated.upperThird, real.upperThird, 2, 'all fine detail'),
    ...(reconstruction ? [`${reconstruction.pictures} held-out pictures through encoder and generator`] : []),
    ...row('L1', reconstruction?.l1, undefined, 4, 'absolute error of a pixel, as a share of its range'),
    ...row('PSNR', reconstruction?.psnr, undefined, 2, 'dB; higher is better'),
    ...row('SSIM', reconstruction?.ssim, undefined, 4, '1: the same structure'),
    ...row(
      'class kept',
      reconstruction?.classKept,
      reconstruction?.classOfPictures,
      4,
      'accuracy of the judge; real: on the pictures themselves',
    ),
    ...row('rate', reconstruction?.rate, undefined, 1, 'bits in a latent'),
    ...row(
      'bits',
      reconstruction?.bits,
      undefined,
      1,
      'to tell the tokens of a picture; lower: the model expects it more',
    ),
    ...row('codes', reconstruction?.codes, undefined, 0, 'different tokens that the pictures have'),
    ...row('active units', reconstruction?.activeUnits, undefined, 0, 'numbers of the latent that are in use'),
    ...(completion ? [`${completion.pictures} held-out pictures whose lower half was drawn anew, class not told`] : []),
    ...completed(completion),
    ...(completion?.told ? ['the same, class told', ...completed(completion.told)] : []),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}
