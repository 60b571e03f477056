// The encoder of a bundle: one ONNX file a variant, and its goldens.
import { base64 } from '../contract/base64.ts';
import { sha256Hex } from '../contract/bundle.ts';
import { createEncoder, encoderInputs, latentBytes } from '../contract/encoder.ts';
import type { EncoderEntry, Manifest, Variant } from '../contract/manifest.ts';
import { trace } from '../trace/index.ts';
import type { StartSession } from './bundle.ts';
import { type EncoderTraining, encoderFunction, type TrainedGenerator } from './weights.ts';

export interface TracedEncoder {
  /** What the manifest says of it, goldens apart. */
  readonly entry: EncoderEntry;
  readonly models: readonly { readonly variant: Variant; readonly bytes: Uint8Array }[];
}

/** One that a bundle got after its export. */
export interface AttachedEncoder extends TracedEncoder {
  /** What training.config of the manifest says of its training. */
  readonly config: unknown;
  /** The file whose weights it was trained for. */
  readonly generator: { readonly variant: Variant; readonly sha256: string };
}

/** The same in these variants; undefined where it is of another generator than `encode` gives, or lacks one of them. */
export async function stillFitting(
  attached: AttachedEncoder | undefined,
  encode: (variant: Variant) => Uint8Array,
  variants: readonly Variant[],
): Promise<AttachedEncoder | undefined> {
  if (!attached || (await sha256Hex(encode(attached.generator.variant))) !== attached.generator.sha256)
    return undefined;
  const models = variants.flatMap((variant) => attached.models.find((one) => one.variant === variant) ?? []);
  return models.length === variants.length ? { ...attached, models } : undefined;
}

/** The encoder in every variant; undefined for a model that has none. */
export async function traceEncoder(
  trained: Pick<TrainedGenerator, 'model' | 'weights'>,
  variants: readonly Variant[],
): Promise<TracedEncoder | undefined> {
  const encode = encoderFunction(trained);
  if (!encode) return undefined;
  const { resolution, channels, latent, classes } = trained.model.spec;
  const inputs = {
    image: ['batch', channels, resolution, resolution],
    ...(classes > 0 ? { class: ['batch', classes] } : {}),
  };
  const model = await trace(encode, inputs, { name: 'encoder' });
  return {
    entry: {
      inputs: {
        image: { name: 'image', shape: ['batch', channels, resolution, resolution] },
        ...(classes > 0 ? { classWeights: { name: 'class', shape: ['batch', classes] as ['batch', number] } } : {}),
      },
      output: { name: 'latent', shape: ['batch', latent] },
      goldens: [],
    },
    models: variants.map((variant) => ({ variant, bytes: model.encode(variant) })),
  };
}

/** What training.config of a manifest says of an encoder's own training. */
export const encoderConfig = ({ recipe, imagesSeen }: EncoderTraining): Record<string, unknown> => {
  const { network: _, ...rest } = recipe;
  return { ...rest, imagesSeen };
};

/** What the encoder makes of the manifest's golden pictures of its own variant, on wasm. */
export async function encoderGoldens(
  manifest: Manifest,
  models: TracedEncoder['models'],
  start: StartSession,
): Promise<EncoderEntry['goldens']> {
  const goldens: EncoderEntry['goldens'] = [];
  for (const { variant, bytes } of models) {
    const indices = [...manifest.goldens.keys()].filter((i) => manifest.goldens[i]?.variant === variant);
    const { session, Tensor } = await start(bytes);
    const latents = await createEncoder(manifest, session, Tensor).encode(...encoderInputs(manifest, indices));
    await session.release();
    for (const [i, latent] of latents.entries()) {
      const data = latentBytes(latent);
      goldens.push({
        variant,
        golden: indices[i] ?? 0,
        sha256: await sha256Hex(data),
        latent: base64(data),
      });
    }
  }
  return goldens;
}
