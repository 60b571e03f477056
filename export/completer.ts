// The completer of a bundle: one ONNX file a variant, and its goldens.
import { base64 } from '../contract/base64.ts';
import { sha256Hex } from '../contract/bundle.ts';
import { completionOf, createCompleter } from '../contract/completer.ts';
import type { CompleterEntry, Manifest, Variant } from '../contract/manifest.ts';
import { trace } from '../trace/index.ts';
import type { StartSession } from './bundle.ts';
import { completerFunction, type TrainedGenerator } from './weights.ts';

export interface TracedCompleter {
  /** What the manifest says of it, goldens apart. */
  readonly entry: CompleterEntry;
  readonly models: readonly { readonly variant: Variant; readonly bytes: Uint8Array }[];
}

/** The completer in every variant; undefined for a model that has none. */
export async function traceCompleter(
  trained: Pick<TrainedGenerator, 'model' | 'weights'>,
  variants: readonly Variant[],
): Promise<TracedCompleter | undefined> {
  const complete = completerFunction(trained);
  if (!complete) return undefined;
  const { resolution, channels, latent, classes } = trained.model.spec;
  const image = ['batch', channels, resolution, resolution] as ['batch', number, number, number];
  const mask = ['batch', 1, resolution, resolution] as ['batch', number, number, number];
  const vectors = (count: number): ['batch', number] => ['batch', count];
  const model = await trace(
    complete,
    { image, mask, latent: vectors(latent), ...(classes > 0 ? { class: vectors(classes) } : {}) },
    { name: 'completer' },
  );
  return {
    entry: {
      inputs: {
        image: { name: 'image', shape: image },
        mask: { name: 'mask', shape: mask },
        latent: { name: 'latent', shape: vectors(latent) },
        ...(classes > 0 ? { classWeights: { name: 'class', shape: vectors(classes) } } : {}),
      },
      output: { name: 'completed', shape: image },
      goldens: [],
    },
    models: variants.map((variant) => ({ variant, bytes: model.encode(variant) })),
  };
}

/** Seeds of the goldens' lower halves, apart from those of the pictures themselves. */
const FIRST_SEED = 100;

/** What the completer makes of the manifest's golden pictures of its own variant, on wasm. */
export async function completerGoldens(
  manifest: Manifest,
  models: TracedCompleter['models'],
  start: StartSession,
): Promise<CompleterEntry['goldens']> {
  const goldens: CompleterEntry['goldens'] = [];
  for (const { variant, bytes } of models) {
    const asked = [...manifest.goldens.entries()]
      .filter(([, golden]) => golden.variant === variant)
      .map(([golden], i) => ({ golden, seed: FIRST_SEED + i }));
    const { session, Tensor } = await start(bytes);
    const pictures = await createCompleter(manifest, session, Tensor).complete(
      asked.map((one) => completionOf(manifest, one)),
    );
    await session.release();
    for (const [i, { data }] of pictures.entries())
      goldens.push({
        variant,
        golden: asked[i]?.golden ?? 0,
        seed: asked[i]?.seed ?? 0,
        sha256: await sha256Hex(data),
        pixels: base64(data),
      });
  }
  return goldens;
}
