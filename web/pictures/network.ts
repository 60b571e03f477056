// What the page asks of a model's networks: the pictures of points, and the latent of a picture.
import type { Engine } from '../../client/engine/engine.ts';
import { Dropped } from '../../client/engine/queue.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import type { Inputs } from './point.ts';

export async function picturesOf(
  engine: Pick<Engine, 'decode'>,
  manifest: Manifest,
  inputs: readonly Inputs[],
  priority: 'interactive' | 'background',
): Promise<Picture[]> {
  const pictures: Picture[] = [];
  const conditional = manifest.inputs.classWeights !== undefined;
  for (let at = 0; at < inputs.length; at += LIMITS.batch) {
    const part = inputs.slice(at, at + LIMITS.batch);
    const weights = conditional ? part.map((input) => input.weights) : [];
    const latents = part.map((input) => input.z);
    pictures.push(...(await engine.decode(latents, weights, priority)));
  }
  return pictures;
}

/** Rejects with Dropped where the model was left meanwhile. */
export async function latentOfPicture(
  engine: Pick<Engine, 'encode'>,
  manifest: Manifest,
  picture: Picture,
  weights: Float32Array,
): Promise<Float32Array> {
  const conditional = manifest.encoder?.inputs.classWeights !== undefined;
  const [latent] = await engine.encode([picture], conditional ? [weights] : []);
  if (latent === undefined) throw new Dropped();
  return latent;
}
