// tfjs in double precision: its cpu backend keeps float32 tensors in `Float32Array`s that it makes itself, so while that
// name means Float64Array the same network code computes in float64, and finite differences become exact to ten digits.
import * as tf from '@tensorflow/tfjs';

/** Runs `f` in double precision on the cpu backend. `f` must be synchronous and return numbers, not tensors. */
export function inFloat64<T>(f: () => T): T {
  const single = globalThis.Float32Array;
  const { platform } = tf.env();
  const { isTypedArray } = platform;
  // The types differ in bytes per element, which nothing on this path looks at.
  globalThis.Float32Array = Float64Array as unknown as typeof Float32Array;
  platform.isTypedArray = (a): a is Float32Array => a instanceof Float64Array || isTypedArray.call(platform, a);
  tf.engine().startScope();
  try {
    const third = Number(tf.div(tf.scalar(1), tf.scalar(3)).dataSync()[0]);
    if (third !== 1 / 3) throw new Error(`float64: expected 1/3 in double precision, got ${third}`);
    return f();
  } finally {
    tf.engine().endScope();
    platform.isTypedArray = isTypedArray;
    globalThis.Float32Array = single;
  }
}
