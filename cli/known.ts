// What the model of a run knows of pictures besides drawing them again: bits in latents, or tokens and their bits.
import { startSession } from '../export/open.ts';
import { posteriorFunction, type TrainedGenerator, tokensFunction } from '../export/weights.ts';
import { type Tensors, trace } from '../trace/index.ts';
import type { Posterior, Tokens } from '../train/eval/reconstruction.ts';

export interface Known {
  /** For models whose latents are no points. */
  posterior?(pixels: Uint8Array): Promise<Posterior>;
  /** For models of tokens. */
  tokens?(pixels: Uint8Array, labels: Uint8Array): Promise<Tokens>;
}

const BATCH = 200;

export async function openKnown(trained: TrainedGenerator): Promise<{ known: Known; close(): Promise<void> }> {
  const { resolution, channels, latent, classes } = trained.model.spec;
  const size = resolution ** 2 * channels;
  const sessions: { release(): Promise<void> }[] = [];

  /** Outputs of a function of pictures [batch, channels, h, w] and classes, each with so many numbers a picture. */
  const over = async <Name extends string>(f: (inputs: Tensors) => Tensors, widths: Readonly<Record<Name, number>>) => {
    const image = ['batch', channels, resolution, resolution];
    const inputs = { image, ...(classes > 0 ? { class: ['batch', classes] } : {}) };
    const { session, Tensor } = await startSession((await trace(f, inputs, { name: 'known' })).encode(), 'cpu');
    sessions.push(session);
    const names = Object.keys(widths) as Name[];
    return async (pixels: Uint8Array, labels: Uint8Array): Promise<Record<Name, Float32Array>> => {
      const count = pixels.length / size;
      const out = Object.fromEntries(names.map((name) => [name, new Float32Array(count * widths[name])])) as Record<
        Name,
        Float32Array
      >;
      for (let from = 0; from < count; from += BATCH) {
        const part = pixels.subarray(from * size, (from + BATCH) * size);
        const rows = part.length / size;
        const values = new Float32Array(part.length);
        part.forEach((level, at) => {
          const [n, place, c] = [Math.floor(at / size), Math.floor((at % size) / channels), at % channels];
          values[n * size + c * resolution ** 2 + place] = level / 127.5 - 1;
        });
        const weights = new Float32Array(rows * classes);
        for (let i = 0; i < rows; i++) if (classes > 0) weights[i * classes + (labels[from + i] ?? 0)] = 1;
        const feeds = {
          image: new Tensor('float32', values, [rows, channels, resolution, resolution]),
          ...(classes > 0 ? { class: new Tensor('float32', weights, [rows, classes]) } : {}),
        };
        const results = await session.run(feeds as unknown as Record<string, never>);
        for (const name of names) out[name].set((await results[name]?.getData()) as Float32Array, from * widths[name]);
      }
      return out;
    };
  };

  const posterior = posteriorFunction(trained);
  const tokens = tokensFunction(trained);
  const latents = posterior && (await over(posterior, { mean: latent, logVariance: latent }));
  const codes = tokens && (await over(tokens, { codes: latent, bits: 1 }));
  return {
    known: {
      ...(latents && {
        posterior: async (pixels) => ({ latent, ...(await latents(pixels, new Uint8Array(pixels.length / size))) }),
      }),
      ...(codes && { tokens: codes }),
    },
    async close() {
      for (const session of sessions) await session.release();
    },
  };
}
