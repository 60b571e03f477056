// Re-checks a bundle: every file's hash, every variant's goldens on wasm (byte for byte) and, where onnxruntime-node runs,
// on native CPU (one level).
import { checkGoldens } from '../contract/bundle.ts';
import { checkCompleterGoldens, createCompleter } from '../contract/completer.ts';
import { checkEncoderGoldens, createEncoder } from '../contract/encoder.ts';
import { createGenerator } from '../contract/generator.ts';
import { completerFile, encoderFile } from '../contract/lookup.ts';
import type { Manifest } from '../contract/manifest.ts';
import { nativeRefusal } from '../train/engines/onnxruntime.ts';
import { inBundle, PROVIDERS, type Provider, readGenerator, readManifest, readNetwork, startSession } from './open.ts';

/** Of numbers of a latent, which are some 1 in size: a difference that no eye would find in a picture. */
const NATIVE_LATENT_DIFFERENCE = 1e-3;

export interface VerifyLine {
  /** The variant of the generator, or `encoder` or `completer` and its variant. */
  readonly network: string;
  readonly provider: Provider;
  readonly goldens: number;
  /** Largest difference seen, with its unit. */
  readonly largest: string;
}

/**
 * @param notice told why native CPU is left out, where it is
 * @throws UserError naming the first file or golden that differs
 */
export async function verifyBundle(dir: string, notice: (sentence: string) => void): Promise<VerifyLine[]> {
  return verifyManifest(dir, readManifest(dir), notice);
}

/** The same for the files of `dir` and a manifest that may not lie there yet. */
export async function verifyManifest(
  dir: string,
  manifest: Manifest,
  notice: (sentence: string) => void,
): Promise<VerifyLine[]> {
  const refusal = await nativeRefusal();
  if (refusal !== undefined) notice(`checked on wasm only: ${refusal}`);
  const providers = refusal === undefined ? PROVIDERS : (['wasm'] as const);
  try {
    return await verifyNetworks(dir, manifest, providers);
  } catch (error) {
    throw inBundle(dir, error);
  }
}

async function verifyNetworks(dir: string, manifest: Manifest, providers: readonly Provider[]): Promise<VerifyLine[]> {
  const lines: VerifyLine[] = [];
  for (const { variant } of manifest.files.filter((f) => f.role === 'generator')) {
    const bytes = await readGenerator(dir, manifest, variant);
    for (const provider of providers) {
      const { session, Tensor } = await startSession(bytes, provider);
      const generator = createGenerator(manifest, session, Tensor);
      const levels = await checkGoldens(manifest, variant, generator, provider === 'wasm' ? 0 : 1);
      const goldens = manifest.goldens.filter((g) => g.variant === variant).length;
      lines.push({ network: variant, provider, goldens, largest: `${levels} of 255 levels` });
      await session.release();
    }
  }
  for (const { variant } of manifest.files.filter((f) => f.role === 'encoder')) {
    const bytes = await readNetwork(dir, encoderFile(manifest, variant));
    for (const provider of providers) {
      const { session, Tensor } = await startSession(bytes, provider);
      const encoder = createEncoder(manifest, session, Tensor);
      const most = provider === 'wasm' ? 0 : NATIVE_LATENT_DIFFERENCE;
      const largest = await checkEncoderGoldens(manifest, variant, encoder, most);
      const goldens = (manifest.encoder?.goldens ?? []).filter((g) => g.variant === variant).length;
      lines.push({ network: `encoder ${variant}`, provider, goldens, largest: largest.toPrecision(2) });
      await session.release();
    }
  }
  for (const { variant } of manifest.files.filter((f) => f.role === 'completer')) {
    const bytes = await readNetwork(dir, completerFile(manifest, variant));
    for (const provider of providers) {
      const { session, Tensor } = await startSession(bytes, provider);
      const completer = createCompleter(manifest, session, Tensor);
      const levels = await checkCompleterGoldens(manifest, variant, completer, provider === 'wasm' ? 0 : 1);
      const goldens = (manifest.completer?.goldens ?? []).filter((g) => g.variant === variant).length;
      lines.push({ network: `completer ${variant}`, provider, goldens, largest: `${levels} of 255 levels` });
      await session.release();
    }
  }
  for (const file of manifest.files) if (file.role === 'trainer') await readNetwork(dir, file);
  return lines;
}
