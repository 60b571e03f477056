// Puts an encoder into a bundle that has none, or in place of the one it got before: files, goldens, manifest and card. The files
// of the generator stay as they are.
import { chmodSync, copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { type Manifest, parseManifest } from '../contract/manifest.ts';
import { fileEntry } from './bundle.ts';
import { modelCard } from './card.ts';
import { encoderConfig, encoderGoldens, traceEncoder } from './encoder.ts';
import { checkBundleFolder, replaceFolder } from './folder.ts';
import { onWasm, readManifest } from './open.ts';
import type { TrainedEncoder } from './weights.ts';

/**
 * Writes the bundle with the encoder in every variant its generator has. The old folder is replaced whole. What was measured of the
 * encoder before goes; the generator's numbers hold.
 */
export async function attachEncoder(dir: string, { model, weights, training }: TrainedEncoder): Promise<Manifest> {
  const out = resolve(dir);
  checkBundleFolder(out);
  const before = readManifest(out);
  const generators = before.files.filter(({ role }) => role === 'generator');
  const encoder = await traceEncoder(
    { model, weights },
    generators.map(({ variant }) => variant),
  );
  if (!encoder) throw new UserError(`encoder: expected a trained encoder for ${dir}, got none; train it again`);
  const entries = await Promise.all(encoder.models.map((one) => fileEntry('encoder', one, false)));
  const draft: Manifest = {
    ...before,
    encoder: encoder.entry,
    files: [...before.files.filter(({ role }) => role !== 'encoder'), ...entries],
    ...(before.metrics && {
      metrics: {
        ...before.metrics,
        evaluations: before.metrics.evaluations.map(({ reconstruction: _, ...rest }) => rest),
      },
    }),
    training: { ...before.training, config: { ...before.training.config, encoder: encoderConfig(training) } },
  };
  draft.encoder = { ...encoder.entry, goldens: await encoderGoldens(draft, encoder.models, onWasm) };
  const manifest = parseManifest(JSON.parse(JSON.stringify(draft)));
  const old = new Set(before.files.flatMap(({ role, path }) => (role === 'encoder' ? [path] : [])));
  replaceFolder(out, (folder) => {
    for (const name of readdirSync(out)) if (!old.has(name)) copyFileSync(join(out, name), join(folder, name));
    for (const [i, { bytes }] of encoder.models.entries()) writeFileSync(join(folder, entries[i]?.path ?? ''), bytes);
    writeFileSync(join(folder, 'model.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    writeFileSync(join(folder, 'MODEL_CARD.md'), modelCard(manifest));
    chmodSync(folder, 0o755); // mkdtemp makes private folders; a bundle is to be served
  });
  return manifest;
}
