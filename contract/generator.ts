// The one place a request becomes pixels. ONNX Runtime is passed in (web, node or workerd build), so that the same
// code runs in the browser, at the edge and in the command line.
import { classOf, latentOf, oneHot, truncate } from './latent.ts';
import type { Manifest } from './manifest.ts';
import type { Picture } from './picture.ts';
import { toPictures } from './pixels.ts';

export interface PictureRequest {
  /** Unsigned 32-bit integer, see parseSeed. */
  seed: number;
  /** Class index; undefined: the class the seed itself chooses (classOf), or none for an unconditional model. */
  class: number | undefined;
  /** In (0, 1]; the latent is multiplied by it. */
  truncation: number;
}

/** What is used of ONNX Runtime's Tensor and InferenceSession, structurally. */
export interface TensorLike {
  readonly dims: readonly number[];
  getData(): Promise<unknown>;
  dispose(): void;
}
export type TensorConstructor = new (type: 'float32', data: Float32Array, dims: readonly number[]) => TensorLike;
export interface SessionLike {
  run(feeds: { readonly [name: string]: never }): Promise<{ readonly [name: string]: TensorLike }>;
}

export interface Generator {
  readonly manifest: Manifest;
  /** One ONNX batch. The picture of a request does not depend on the others in the batch. */
  generate(requests: readonly PictureRequest[]): Promise<Picture[]>;
  /** The caller's own latents [size] and class weights [classes] (none if unconditional): walks, mixing. */
  decode(latents: readonly Float32Array[], classWeights: readonly Float32Array[]): Promise<Picture[]>;
}

// One run at a time in the whole program: onnxruntime-web's run() keeps pointers on the wasm stack across its awaits,
// and all sessions share that stack, so two runs that interleave (Promise.all is enough) would corrupt each other.
let lastRun: Promise<unknown> | undefined;

/** Runs when no other run of this program is under way: for whatever else asks ONNX Runtime to work, too. */
export async function inTurn<T>(run: () => Promise<T>): Promise<T> {
  const turn = lastRun === undefined ? run() : lastRun.then(run, run);
  lastRun = turn;
  try {
    return await turn;
  } finally {
    if (lastRun === turn) lastRun = undefined;
  }
}

export function createGenerator(manifest: Manifest, session: SessionLike, Tensor: TensorConstructor): Generator {
  const { inputs, output, latent, classes, image } = manifest;

  async function decode(latents: readonly Float32Array[], classWeights: readonly Float32Array[]): Promise<Picture[]> {
    const batch = latents.length;
    if (batch === 0) return [];
    const tensors: Record<string, TensorLike> = {
      [inputs.latent.name]: new Tensor('float32', joined('latent', latents, latent.size), [batch, latent.size]),
      ...classInput(inputs.classWeights?.name, classWeights, [batch, classes.length], Tensor),
    };
    // The Tensor class and the session come from the same ONNX Runtime, which TypeScript cannot see here.
    const results = await inTurn(() => session.run(tensors as Record<string, never>));
    const result = results[output.name];
    const expected = [batch, image.channels, image.height, image.width].join('x');
    if (result === undefined || result.dims.join('x') !== expected)
      throw new RangeError(`${output.name}: expected ${expected}, got ${result?.dims.join('x') ?? 'no such output'}`);
    const data = await result.getData();
    if (!(data instanceof Float32Array)) throw new TypeError(`${output.name}: expected float32 numbers`);
    const pictures = toPictures(data, batch, image);
    for (const tensor of [...Object.values(tensors), result]) tensor.dispose();
    return pictures;
  }

  async function generate(requests: readonly PictureRequest[]): Promise<Picture[]> {
    const count = classes.length;
    const latents = requests.map((r) => truncate(latentOf(r.seed, latent.size), checkTruncation(r.truncation)));
    const weights = requests.map((r) => oneHot(checkClass(r.class, count) ?? classOf(r.seed, count), count));
    return decode(latents, count > 0 ? weights : []);
  }

  return { manifest, generate, decode };
}

/** The input of class weights [batch, classes] by its name; nothing for a network that has none. */
export function classInput(
  name: string | undefined,
  weights: readonly Float32Array[],
  [batch, classes]: readonly [number, number],
  Tensor: TensorConstructor,
): Record<string, TensorLike> {
  if (name === undefined) return {};
  if (weights.length !== batch) throw new RangeError(`class weights: expected ${batch} vectors, got ${weights.length}`);
  return { [name]: new Tensor('float32', joined('class weights', weights, classes), [batch, classes]) };
}

/** Vectors of `size` numbers one after another: [vectors, size]. */
export function joined(what: string, vectors: readonly Float32Array[], size: number): Float32Array {
  const all = new Float32Array(vectors.length * size);
  vectors.forEach((vector, i) => {
    if (vector.length !== size) throw new RangeError(`${what}: expected ${size} numbers, got ${vector.length}`);
    all.set(vector, i * size);
  });
  return all;
}

function checkTruncation(truncation: number): number {
  if (!(truncation > 0 && truncation <= 1))
    throw new RangeError(`truncation: expected a number above 0, at most 1, got ${truncation}`);
  return truncation;
}

function checkClass(index: number | undefined, count: number): number | undefined {
  if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < count))
    throw new RangeError(`class: expected an index below ${count}, got ${index}`);
  return index;
}
