// Places in latent space: what the network is given there, on the way between two, and at a child of two. The page's explorer, walk
// and mix are made of the same.
import { latentOf, truncate } from '../contract/latent.ts';
import { blend, slerp } from '../contract/walk.ts';

/** A point with everything decided. */
export interface Place {
  /** undefined where the latent is no seed's. */
  seed: string | number | undefined;
  /** [latent size], before truncation. */
  latent: Float32Array;
  /** [classes]; empty for a model without classes. */
  weights: Float32Array;
  truncation: number;
}

/** What the network is given: z [latent size], weights [classes]. */
export interface Inputs {
  z: Float32Array;
  weights: Float32Array;
}

export function inputsOf({ latent, weights, truncation }: Omit<Place, 'seed'>): Inputs {
  return { z: truncate(latent, truncation), weights };
}

/** A frame of the walk from a to b: the same numbers, so the same picture, as the edge's walk. `t` in [0, 1]. */
export function inputsBetween(a: Omit<Place, 'seed'>, b: Omit<Place, 'seed'>, t: number): Inputs {
  const [from, to] = [inputsOf(a), inputsOf(b)];
  return { z: slerp(from.z, to.z, t), weights: blend(from.weights, to.weights, t) };
}

/** A child of two: every number, and the class, from one or the other (the class at times from both), as its own coins fall. */
export function childOf(a: Omit<Place, 'seed'>, b: Omit<Place, 'seed'>, child: number): Place {
  const { length } = a.latent;
  const coins = latentOf(child >>> 0, length + 1);
  const classCoin = coins[length] ?? 0;
  const share = classCoin > 0.43 ? 1 : classCoin < -0.43 ? 0 : 0.5;
  return {
    seed: undefined,
    latent: a.latent.map((z, i) => ((coins[i] ?? 0) > 0 ? z : (b.latent[i] ?? 0))),
    weights: blend(a.weights, b.weights, share),
    truncation: (a.truncation + b.truncation) / 2,
  };
}
