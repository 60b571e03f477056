// The judge: a small residual classifier. Its last layer but one gives the features of every metric, its output the
// labels for GAN-test. Written in tfjs, exported by the tracer, run by onnxruntime.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { UserError } from '../../contract/errors.ts';
import { traceAnyBatch } from '../../trace/batch.ts';
import type { PictureSet } from '../data/types.ts';
import {
  addBias,
  conv,
  convParameters,
  dense,
  denseParameters,
  leakyRelu,
  type ParameterSpec,
  spaceToDepth,
  type Tensors,
} from '../networks/layers.ts';
import type { Features } from './features.ts';

export interface ClassifierSpec {
  /** Pixels of the square picture's side. */
  resolution: number;
  channels: number;
  classes: number;
  /** Channels of the first map; the others have twice as many. */
  width: number;
  /** Numbers in a feature vector. */
  features: number;
}

/** Maps from half the picture's side down to 4 pixels: 28 → 14, 7, 4; 64 → 32, 16, 8, 4. */
function stages({ resolution, width }: ClassifierSpec): { size: number; channels: number }[] {
  const list: { size: number; channels: number }[] = [];
  for (let size = resolution / 2; size >= 4; size = Math.ceil(size / 2)) {
    list.push({ size, channels: width * 2 ** Math.min(list.length, 1) });
  }
  return list;
}

export function classifierParameters(spec: ClassifierSpec): ParameterSpec[] {
  const list: ParameterSpec[] = [];
  let channels = 4 * spec.channels;
  for (const [i, stage] of stages(spec).entries()) {
    list.push(...convParameters(`down${i}`, 3, channels, stage.channels));
    channels = stage.channels;
    list.push(...convParameters(`block${i}`, 3, channels, channels, 0.3));
  }
  const last = stages(spec).at(-1)?.size ?? 1;
  list.push(...denseParameters('features', last * last * channels, spec.features));
  list.push(...denseParameters('classes', spec.features, spec.classes, 0.1 / Math.sqrt(spec.features)));
  return list;
}

/** pictures [batch, h, w, c] in [-1, 1] → features [batch, featureCount] and logits [batch, classes]. */
export function classify(
  spec: ClassifierSpec,
  p: Tensors,
  pictures: tf.Tensor,
): { features: tf.Tensor; logits: tf.Tensor } {
  // Space to depth loses nothing, and the first convolution then runs on a quarter of the pixels.
  let x = spaceToDepth(pictures);
  for (const i of stages(spec).keys()) {
    x = leakyRelu(addBias(p, `down${i}`, conv(p, `down${i}`, x, i === 0 ? 1 : 2)));
    x = tf.add(x, leakyRelu(addBias(p, `block${i}`, conv(p, `block${i}`, x))));
  }
  x = tf.reshape(x, [x.shape[0] ?? 1, -1]);
  const features = leakyRelu(addBias(p, 'features', dense(p, 'features', x)));
  return { features, logits: addBias(p, 'classes', dense(p, 'classes', features)) };
}

/** The trained classifier as an ONNX model: `pictures` [batch, h, w, c] → `features`, `logits`. */
export async function exportClassifier(
  spec: ClassifierSpec,
  parameters: Record<string, Float32Array>,
): Promise<Uint8Array> {
  const shapes = classifierParameters(spec);
  const { resolution, channels } = spec;
  const encode = await traceAnyBatch(
    'judge',
    ({ pictures }) => {
      if (!pictures) throw new Error('judge: expected an input named pictures');
      const p = Object.fromEntries(
        shapes.map(({ name, shape }) => [name, tf.tensor(parameters[name] ?? [], [...shape], 'float32')]),
      );
      return { ...classify(spec, p, pictures) };
    },
    { pictures: [resolution, resolution, channels] },
  );
  return encode();
}

export type JudgeTask = 'classes' | 'rotations';

export interface Judgement {
  features: Features;
  /** Most probable class of each picture. */
  labels: Uint8Array;
}

export interface Judge {
  /** What its labels are: the data set's classes, or quarter turns where pictures have no classes. */
  task: JudgeTask;
  /** pixels [count, h, w, c], 0..255. */
  judge(pixels: Uint8Array): Promise<Judgement>;
}

const judgeBatch = 500;

/** Runs an exported classifier. */
export async function loadJudge(
  model: Uint8Array,
  { width, height, channels }: Pick<PictureSet, 'width' | 'height' | 'channels'>,
  task: JudgeTask,
): Promise<Judge> {
  const session = await ort.InferenceSession.create(model);
  const size = width * height * channels;
  return {
    task,
    async judge(pixels) {
      const count = pixels.length / size;
      const labels = new Uint8Array(count);
      let data = new Float32Array(0);
      let columns = 0;
      for (let start = 0; start < count; start += judgeBatch) {
        const part = pixels.subarray(start * size, Math.min(count, start + judgeBatch) * size);
        const rows = part.length / size;
        const pictures = new ort.Tensor('float32', toUnit(part), [rows, height, width, channels]);
        const { features, logits } = await session.run({ pictures });
        if (!features || !logits) throw new UserError('judge: expected outputs features and logits, got another model');
        columns = features.dims[1] ?? 0;
        if (start === 0) data = new Float32Array(count * columns);
        data.set(features.data as Float32Array, start * columns);
        labels.set(mostProbable(logits.data as Float32Array, rows), start);
      }
      return { features: { rows: count, columns, data }, labels };
    },
  };
}

/** Bytes to [-1, 1], as the generator's output is. */
export const toUnit = (pixels: Uint8Array): Float32Array => Float32Array.from(pixels, (value) => value / 127.5 - 1);

function mostProbable(logits: Float32Array, rows: number): Uint8Array {
  const classes = logits.length / rows;
  return Uint8Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let j = 1; j < classes; j++) {
      if ((logits[row * classes + j] ?? 0) > (logits[row * classes + best] ?? 0)) best = j;
    }
    return best;
  });
}
