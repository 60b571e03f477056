// The table that `pocketgen eval` prints: a section for each thing that was measured.
import type { Completion } from '../train/eval/completion.ts';
import type { Metrics } from '../train/eval/evaluator.ts';
import type { GanTrain } from '../train/eval/gan-train.ts';
import type { Memorisation } from '../train/eval/memorisation.ts';
import type { Reconstruction } from '../train/eval/reconstruction.ts';
import type { EvalResult } from './commands/eval.ts';

type Cells = readonly [generated: number | undefined, real?: number | undefined];

/** None where neither side has the number. */
function row(name: string, [generated, real]: Cells, digits: number, what: string): string[] {
  if (generated === undefined && real === undefined) return [];
  const cell = (value: number | undefined): string => (value?.toFixed(digits) ?? '–').padStart(11);
  return [`${name.padEnd(16)}${cell(generated)}${cell(real)}   ${what}`];
}

export function evaluationTable(result: EvalResult): string {
  const { generated, real, judge, ganTrain, memorisation, reconstruction, completion, protocol, dataset } = result;
  const on = protocol.background === undefined ? '' : ` on ${protocol.background}`;
  const against = (key: keyof Metrics): Cells => [generated[key], real[key]];
  return [
    `${generated.samples} generated pictures${on} (model after ${result.imagesSeen} images, truncation ${protocol.truncation}) against ` +
      `${protocol.referenceSamples} held-out ones of ${dataset.name}; judge: accuracy ${judge.accuracy?.toFixed(4) ?? 'unknown'} on ${judge.task}`,
    `${''.padEnd(16)}${'generated'.padStart(11)}${'real'.padStart(11)}`,
    ...row('FID', against('fid'), 3, 'lower is better'),
    ...row('KID', against('kid'), 5, 'lower is better; 0 is what endless real pictures score'),
    ...row('  95 %, from', against('kidLow'), 5, 'bootstrap interval over the pictures of both sides'),
    ...row('  to', against('kidHigh'), 5, ''),
    ...row('precision', against('precision'), 3, 'share of generated pictures that look real'),
    ...row('recall', against('recall'), 3, 'share of real pictures the generator could draw'),
    ...row('density', against('density'), 3, 'higher: generated pictures lie where real ones are dense'),
    ...row('coverage', against('coverage'), 3, 'share of real pictures with a generated one near'),
    ...row('GAN-test', against('ganTest'), 4, 'accuracy of the judge'),
    ...ganTrainRows(ganTrain),
    ...row(
      'near copies',
      against('nearCopies'),
      3,
      'share that repeats a training picture; real: training ones that repeat another',
    ),
    ...memorisationRows(memorisation),
    ...row('Nyquist', against('nyquist'), 2, 'dB over real pictures: checkerboard of single pixels'),
    ...row('  columns', against('nyquistHorizontal'), 2, 'alternating columns'),
    ...row('  rows', against('nyquistVertical'), 2, 'alternating rows'),
    ...row('upper third', against('upperThird'), 2, 'all fine detail'),
    ...reconstructionRows(reconstruction),
    ...completionRows(completion, reconstruction?.classOfPictures),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

function ganTrainRows(found: GanTrain | undefined): string[] {
  if (!found) return [];
  return row('GAN-train', [found.generated, found.real], 4, 'classifier trained on these, tested on real');
}

function memorisationRows(found: Memorisation | undefined): string[] {
  if (!found) return [];
  const { generatedMedian, heldOutMedian, closerThanFirstPercentile } = found;
  return [
    ...row(
      'nearest',
      [generatedMedian, heldOutMedian],
      2,
      'median distance to the nearest training picture, levels of 255',
    ),
    ...row('nearer', [closerThanFirstPercentile, 0.01], 3, 'share nearer than the nearest 1 % of real ones'),
  ];
}

function reconstructionRows(found: Reconstruction | undefined): string[] {
  if (!found) return [];
  return [
    `${found.pictures} held-out pictures through encoder and generator`,
    ...row('L1', [found.l1], 4, 'absolute error of a pixel, as a share of its range'),
    ...row('PSNR', [found.psnr], 2, 'dB; higher is better'),
    ...row('SSIM', [found.ssim], 4, '1: the same structure'),
    ...row(
      'class kept',
      [found.classKept, found.classOfPictures],
      4,
      'accuracy of the judge; real: on the pictures themselves',
    ),
    ...row('rate', [found.rate], 1, 'bits in a latent'),
    ...row('bits', [found.bits], 1, 'to tell the tokens of a picture; lower: the model expects it more'),
    ...row('codes', [found.codes], 0, 'different tokens that the pictures have'),
    ...row('active units', [found.activeUnits], 0, 'numbers of the latent that are in use'),
  ];
}

/** `classOfPictures`: what the judge says of the whole pictures. */
function completionRows(found: Completion | undefined, classOfPictures: number | undefined): string[] {
  if (!found) return [];
  const rows = ({ classKept, spread }: Pick<Completion, 'classKept' | 'spread'>): string[] => [
    ...row('class kept', [classKept, classOfPictures], 4, 'accuracy of the judge'),
    ...row(
      'spread',
      [spread, found.spreadOfPictures],
      4,
      `difference of two of ${found.seeds} seeds where they draw; real: of two pictures there`,
    ),
  ];
  return [
    `${found.pictures} held-out pictures whose lower half was drawn anew, class not told`,
    ...rows(found),
    ...(found.told ? ['the same, class told', ...rows(found.told)] : []),
  ];
}
