// The model card of a bundle, written from its manifest (after Mitchell et al. 2019, "Model Cards for Model Reporting").
import { z } from 'zod';
import type { Evaluation, Manifest } from '../contract/manifest.ts';
import { printable } from '../contract/printable.ts';

const startedFrom = z.object({ name: z.string(), images: z.number() });

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;

/** Rows of the table: a number's place in an evaluation, and how it reads. */
const ROWS = [
  ['FID (own features)', 'fid', 3],
  ['KID (own features)', 'kid', 5],
  ['KID, 95 % from', 'kidLow', 5],
  ['KID, 95 % to', 'kidHigh', 5],
  ['precision', 'precision', 3],
  ['recall', 'recall', 3],
  ['density', 'density', 3],
  ['coverage', 'coverage', 3],
  ['GAN-test accuracy', 'ganTest', 4],
  ['near copies of training pictures', 'nearCopies', 3],
  ['power of a one-pixel checkerboard over real pictures, dB', 'nyquist', 2],
  ['power in the upper third of frequencies, dB', 'upperThird', 2],
] as const;

const OF_PICTURES = ['reconstruction', 'classOfPictures'];

function quality(evaluations: readonly Evaluation[], { config }: Manifest['training']): string {
  const [first] = evaluations;
  if (!first) return 'Not measured for this bundle; run `pocketgen eval` on it, with `--record` to have it stand here.';
  const numberAt = (source: unknown, ...path: string[]): number | undefined => {
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], source);
    return typeof value === 'number' ? value : undefined;
  };
  const row = (name: string, digits: number, path: readonly string[], real: readonly string[]) => {
    const values = evaluations.map((one) => numberAt(one, ...path));
    if (values.every((value) => value === undefined)) return [];
    return [
      `| ${[name, ...[...values, numberAt(first, ...real)].map((value) => value?.toFixed(digits) ?? '–')].join(' | ')} |`,
    ];
  };
  const heads = ['', ...evaluations.map(({ dtype }) => dtype), 'real pictures'];
  const samples = numberAt(first, 'generated', 'samples');
  const judge = numberAt(first, 'judge', 'accuracy');
  // Where few are held out, all of those are the reference; see docs/quality.md.
  const others =
    numberAt(first, 'generated', 'fid') === undefined ? 'training pictures' : 'other held-out real pictures';
  return `${samples} generated pictures (truncation ${numberAt(first, 'protocol', 'truncation')}) against
${numberAt(first, 'protocol', 'referenceSamples')} held-out real ones that ${wentOn({ config }) === '' ? 'training' : 'its last training'} never saw; the last column is what ${others}
score in the generator's place. Features and labels are those of a classifier of this project${
    judge === undefined
      ? ''
      : `, which is right on ${(100 * judge).toFixed(2)} %
of the held-out pictures`
  }, so distances compare only within this project. Protocol: docs/quality.md of pocketgen.

| ${heads.join(' | ')} |
|${heads.map(() => ' --- |').join('')}
${[
  ...ROWS.flatMap(([name, key, digits]) => row(name, digits, ['generated', key], ['real', key])),
  ...row('held-out pictures drawn again: PSNR, dB', 2, ['reconstruction', 'psnr'], []),
  ...row('the same: SSIM', 4, ['reconstruction', 'ssim'], []),
  ...row('the same: class kept', 4, ['reconstruction', 'classKept'], OF_PICTURES),
  ...row('lower half drawn anew: class kept', 4, ['completion', 'classKept'], OF_PICTURES),
  ...row('the same, the class told', 4, ['completion', 'told', 'classKept'], OF_PICTURES),
  ...row('GAN-train accuracy', 4, ['ganTrain', 'generated'], ['ganTrain', 'real']),
  ...row(
    'share nearer to training pictures than 99 % of real ones are',
    3,
    ['memorisation', 'closerThanFirstPercentile'],
    [],
  ),
].join('\n')}`;
}

const ALPHA = `
The network's own output is premultiplied: colours multiplied by alpha, -1 in all four channels where nothing is seen. Pictures and
files made of it are straight RGBA. preview.png shows them on a checkerboard.
`;

const KINDS = { 1: 'grey', 3: 'colour', 4: 'colour with alpha (RGBA)' } as const satisfies Record<
  Manifest['image']['channels'],
  string
>;

const FAMILIES: Readonly<Record<string, string>> = { gan: 'GAN', vae: 'VAE', transformer: 'Transformer' };

/** Of a model whose latent chooses among tokens. */
const CHOICES = ', but for a rare seed (1 of 4,000 was counted) where a choice among tokens falls otherwise';

/** Where the training went on from another model's. */
function wentOn({ config: { from } }: Pick<Manifest['training'], 'config'>): string {
  const found = startedFrom.safeParse(from);
  return found.success ? `; it went on from ${found.data.name}, which had seen ${found.data.images}` : '';
}

export function modelCard(manifest: Manifest): string {
  const { image, latent, classes, files, training, metrics } = manifest;
  const table = files.map(
    (f) => `| \`${f.path}\` | ${f.variant} | ${kilobytes(f.bytes)} | \`${f.sha256.slice(0, 16)}…\` |`,
  );
  return `# ${printable(manifest.title)}

${manifest.description}

- **Kind**: ${FAMILIES[manifest.kind] ?? manifest.kind} generator, ${image.width}x${image.height}, ${KINDS[image.channels]}; opset ${manifest.opset}
- **Input**: latent of ${latent.size} normal numbers${classes.length > 0 ? `, one of ${classes.length} classes: ${classes.map(printable).join(', ')}` : ''}
${manifest.encoder ? '- **Encoder**: the way back, from a picture and its class to the latent that draws it again\n' : ''}${manifest.completer ? '- **Completer**: keeps a part of a picture and draws the rest, in another way for every seed\n' : ''}- **Training data**: ${printable(training.dataset.name)}; SHA-256 of the pictures \`${training.dataset.sha256.slice(0, 16)}…\`
- **Training**: preset \`${training.preset}\`, ${training.imagesSeen} images seen, engine ${training.engine}, seed ${training.seed}${wentOn(training)}
- **Licence**: ${manifest.license}

| file | storage | size | SHA-256 |
| --- | --- | --- | --- |
${table.join('\n')}

Drawn with truncation ${manifest.defaultTruncation} unless asked otherwise. Every variant computes in float32; fp16 and int8 are kinds of storage. The same seed, class and truncation give the same
picture byte for byte on onnxruntime-web's wasm provider everywhere, and within one level of 255 elsewhere${manifest.completer ? CHOICES : ''}.
${image.channels === 4 ? ALPHA : ''}
## Quality

${quality(metrics?.evaluations ?? [], training)}

## Limits

It draws what its training pictures show and nothing else. It is a small model: look at its pictures before you rely on
them. It was not made to tell real pictures from generated ones, nor to draw people.
`;
}
