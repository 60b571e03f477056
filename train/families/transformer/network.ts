// The Transformer: draws the tokens of a picture in a few steps, each knowing those of the steps before. Steps and places are fixed,
// so the mask of masked prediction (MaskGIT, arXiv:2202.04200) is always one of a few, each a prefix of the sequence: rows see the
// blocks before them and their own. Then all steps are learnt in one pass, a picture has an exact probability, and a step that is
// unrolled into the generator computes its own rows only, as it finds the earlier ones' keys and values in the graph.
import * as tf from '@tensorflow/tfjs';
import { attend, attentionParameters, type Memory } from '../../nn/attention.ts';
import { dense, type ParameterSpec } from '../../nn/layers.ts';
import type { NetworkSpec } from '../../nn/spec.ts';
import { named, type Tensors } from '../../nn/tensors.ts';
import { choose, normalsOf } from './choice.ts';
import type { TransformerOptions } from './options.ts';
import { createSlots, tokenSide } from './order.ts';
import { oneHotCodes } from './tokenizer.ts';

/** What a picture's tokens are drawn with, besides its normals. */
export interface Told {
  /** [batch, classes]; a row of zeros, or none at all, tells no class. */
  readonly classes?: tf.Tensor | undefined;
  /** [batch, 1]: 1 where the picture is one of the set changed by augmentation. */
  readonly changed?: tf.Tensor | undefined;
  /** What is to be completed: levels [batch, h, w, c] in [-1, 1], and [batch, h, w, 1], 1 where they are seen. */
  readonly seen?: { readonly pictures: tf.Tensor; readonly mask: tf.Tensor } | undefined;
}

export interface TokenNetwork {
  readonly parameters: readonly ParameterSpec[];
  /** Codes [batch, places] → log probabilities of every code in every place, in the order of the map: [batch, places, codes]. */
  predict(p: Tensors, codes: tf.Tensor, told: Told): tf.Tensor;
  /** Normals [batch, places] → codes [batch, places]. */
  draw(p: Tensors, normals: tf.Tensor, told: Told): tf.Tensor;
  /** The normals that `draw` makes these codes of. */
  undraw(p: Tensors, codes: tf.Tensor, told: Told): tf.Tensor;
}

const HIDDEN = -1e9;
/** Deviation of what is told, beside branches whose sum is some 1. */
const EMBEDDING = 0.3;
/** Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598), of logits (Muse, arXiv:2301.00704). */
interface Guidance {
  /** A batch as it is drawn: told its classes, and once more without them. */
  rows(x: tf.Tensor): tf.Tensor;
  told: Told;
  /** Logits of all those rows → of the batch: [rows, codes]. */
  logits(x: tf.Tensor): tf.Tensor;
}

/** The first predictions are nearly uniform. */
const PREDICTION_GAIN = 0.1;

/** @param augmented whether it is shown changed pictures too */
export function createTokenNetwork(
  spec: NetworkSpec,
  codes: number,
  options: TransformerOptions,
  augmented: boolean,
): TokenNetwork {
  const { width } = options;
  const side = tokenSide(spec.resolution);
  const places = side * side;
  const slots = createSlots(side, options.steps);
  const patch = spec.resolution / side;
  const pixels = patch * patch * (spec.channels + 1);
  const embedding = (name: string, rows: number): ParameterSpec => ({
    name,
    shape: [rows, width],
    deviation: EMBEDDING,
  });

  /** [n, places, …] in the order of the map → of the slots, and back. */
  const gathered = (x: tf.Tensor, at: readonly number[]): tf.Tensor => tf.gather(x, tf.tensor1d([...at], 'int32'), 1);

  /** What every row of a picture is told: [batch, 1, width]; undefined where that is nothing. */
  const common = (p: Tensors, { classes, changed }: Told): tf.Tensor | undefined => {
    const parts = [classes && dense(p, 'classes', classes), changed && tf.mul(changed, named(p, 'changed.weight'))];
    const sum = parts.reduce((a, b) => (a && b ? tf.add(a, b) : (a ?? b)), undefined);
    return sum && tf.expandDims(sum, 1);
  };
  const plus = (x: tf.Tensor, y: tf.Tensor | undefined): tf.Tensor => (y ? tf.add(x, y) : x);

  /** What is seen of a picture, by place: [batch, places, width]. */
  const seenRows = (p: Tensors, { pictures, mask }: NonNullable<Told['seen']>): tf.Tensor => {
    const all = tf.concat([tf.mul(pictures, mask), mask], 3);
    const blocks = tf.reshape(all, [-1, side, patch, side, patch, spec.channels + 1]);
    const flat = tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [-1, pixels]);
    return tf.reshape(dense(p, 'pixels', flat), [-1, places, width]);
  };
  /** A row for each place of it, which all others see. */
  const withPlaces = (p: Tensors, rows: tf.Tensor): tf.Tensor =>
    tf.add(rows, tf.expandDims(named(p, 'pixels.places'), 0));

  /** Slots from `start` on, which are told codes [batch, size] of earlier ones, −1 for none: [batch, size, width]. */
  const slotRows = (p: Tensors, told: tf.Tensor, start: number): tf.Tensor => {
    const size = told.shape[1] ?? 1;
    const known = dense(p, 'codes', oneHotCodes(told, codes));
    const own = tf.slice(named(p, 'slots.weight'), [start, 0], [size, width]);
    return tf.add(tf.reshape(known, [-1, size, width]), tf.expandDims(own, 0));
  };
  const predictions = (p: Tensors, rows: tf.Tensor): tf.Tensor => dense(p, 'prediction', tf.reshape(rows, [-1, width])); // [batch·rows, codes]

  /** Which rows see which: those of what is seen all of theirs, slots those and the blocks up to their own. */
  const visible = (first: number): tf.Tensor => {
    const block = (row: number): number =>
      row < first ? 0 : slots.starts.filter((start) => start <= row - first).length;
    const n = first + places;
    return tf.tensor2d(
      Array.from({ length: n }, (_, row) =>
        Array.from({ length: n }, (_, other) => (block(other) <= block(row) ? 0 : HIDDEN)),
      ),
      [n, n],
    );
  };

  /** Predictions for all slots at once, in their order: [batch·places, codes]. */
  const forced = (p: Tensors, ordered: tf.Tensor, told: Told): tf.Tensor => {
    const none = tf.sub(tf.mul(tf.slice(ordered, [0, 0], [-1, 1]), 0), 1);
    const earlier = gathered(
      tf.concat([ordered, none], 1),
      slots.told.map((at) => (at < 0 ? places : at)),
    );
    let rows = slotRows(p, earlier, 0);
    const before = told.seen && seenRows(p, told.seen);
    // A slot is told what is seen of its own place, too.
    if (before) rows = tf.concat([withPlaces(p, before), tf.add(rows, gathered(before, slots.places))], 1);
    const out = attend(options, p, plus(rows, common(p, told)), { visible: visible(before ? places : 0) });
    return predictions(p, before ? tf.slice(out, [0, places, 0], [-1, places, width]) : out);
  };

  const guided = (told: Told): Guidance => {
    const { classes, changed, seen } = told;
    if (options.guidance === 1 || !classes) return { rows: (x) => x, told, logits: (x) => x };
    const rows = (x: tf.Tensor): tf.Tensor => tf.concat([x, x], 0);
    return {
      rows,
      told: {
        classes: tf.concat([classes, tf.mul(classes, 0)], 0),
        changed: changed && rows(changed),
        seen: seen && { pictures: rows(seen.pictures), mask: rows(seen.mask) },
      },
      logits(x) {
        const pair = tf.reshape(x, [2, -1, codes]);
        const [of, any] = [0, 1].map((at) => tf.reshape(tf.slice(pair, [at, 0, 0], [1, -1, -1]), [-1, codes])) as [
          tf.Tensor,
          tf.Tensor,
        ];
        return tf.add(any, tf.mul(tf.sub(of, any), options.guidance));
      },
    };
  };

  return {
    parameters: [
      embedding('codes.weight', codes),
      embedding('slots.weight', places),
      ...(spec.classes > 0 ? [embedding('classes.weight', spec.classes)] : []),
      ...(augmented ? [embedding('changed.weight', 1)] : []),
      { name: 'pixels.weight', shape: [pixels, width], deviation: 1 / Math.sqrt(pixels) },
      embedding('pixels.places', places),
      ...attentionParameters(options),
      { name: 'prediction.weight', shape: [width, codes], deviation: PREDICTION_GAIN / Math.sqrt(width) },
    ],
    predict(p, given, told) {
      const logits = forced(p, gathered(given, slots.places), told);
      return gathered(tf.reshape(tf.logSoftmax(logits), [-1, places, codes]), slots.ofPlace);
    },
    draw(p, normals, given) {
      const z = gathered(normals, slots.places);
      const { rows, told, logits } = guided(given);
      const shared = common(p, told);
      const memory: Memory = [];
      const seen = told.seen && seenRows(p, told.seen);
      if (seen) attend(options, p, plus(withPlaces(p, seen), shared), { memory });
      const ofSlots = seen && gathered(seen, slots.places);
      const drawn: tf.Tensor[] = [];
      for (const [k, size] of slots.sizes.entries()) {
        const start = slots.starts[k] ?? 0;
        const mine = tf.slice(z, [0, start], [-1, size]);
        const before = drawn.at(-1);
        const earlier = before
          ? tf.pad(
              before as tf.Tensor2D,
              [
                [0, 0],
                [0, size - (before.shape[1] ?? 0)],
              ],
              -1,
            )
          : tf.sub(tf.mul(mine, 0), 1);
        const own = ofSlots && tf.slice(ofSlots, [0, start, 0], [-1, size, width]);
        const out = attend(options, p, plus(plus(slotRows(p, rows(earlier), start), own), shared), { memory });
        const probabilities = tf.softmax(logits(predictions(p, out)));
        drawn.push(tf.reshape(choose(probabilities, tf.reshape(mine, [-1, 1])), [-1, size]));
      }
      return gathered(tf.concat(drawn, 1), slots.ofPlace);
    },
    undraw(p, codesOf, given) {
      const ordered = gathered(codesOf, slots.places);
      const { rows, told, logits } = guided(given);
      const z = normalsOf(tf.softmax(logits(forced(p, rows(ordered), told))), oneHotCodes(ordered, codes));
      return gathered(tf.reshape(z, [-1, places]), slots.ofPlace);
    },
  };
}
