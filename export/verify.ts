// Re-checks a bundle: every file's hash, every variant's goldens on wasm (byte for byte) and, where onnxruntime-node runs,
// on native CPU (one level).
import { checkGoldens } from '../contract/bundle.ts';
import { createGenerator } from '../contract/generator.ts';
import type { Manifest, Variant } from '../contract/manifest.ts';
import { nativeRefusal } from '../train/engines/onnxruntime.ts';
import { PROVIDERS, type Provider, readGenerator, readManifest, startSession } from './open.ts';

export interface VerifyLine {
  readonly variant: Variant;
  readonly provider: Provider;
  readonly goldens: number;
  /** Largest difference seen, in levels of 255. */
  readonly levels: number;
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
  const lines: VerifyLine[] = [];
  const refusal = await nativeRefusal();
  if (refusal !== undefined) notice(`checked on wasm only: ${refusal}`);
  const providers = refusal === undefined ? PROVIDERS : (['wasm'] as const);
  for (const { variant } of manifest.files.filter((f) => f.role === 'generator')) {
    const bytes = await readGenerator(dir, manifest, variant);
    for (const provider of providers) {
      const { session, Tensor } = await startSession(bytes, provider);
      const generator = createGenerator(manifest, session, Tensor);
      const levels = await checkGoldens(manifest, variant, generator, provider === 'wasm' ? 0 : 1);
      const goldens = manifest.goldens.filter((g) => g.variant === variant).length;
      lines.push({ variant, provider, goldens, levels });
      await session.release();
    }
  }
  return lines;
}
