// The stick's step in jax-js (github.com/ekzhang/jax-js): same network, dropout and Adam, compiled by its jit.
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import type { Step } from './contest.ts';
import { BATCH, labels, maskOf, pictures, sizeOf, uniform } from './stick-batch.ts';

type Parameters = { [name: string]: np.Array };

const SHAPES = {
  conv0: [8, 3, 5, 5],
  bias0: [8, 1, 1],
  conv1: [16, 8, 5, 5],
  bias1: [16, 1, 1],
  dense0: [1600, 32],
  bias2: [32],
  dense1: [32, 10],
  bias3: [10],
} as const;
/** In its order of axes. */
const MASK0 = [BATCH, 16, 10, 10];
const MASK1 = [BATCH, 32];
const [RATE, BETA1, BETA2, EPSILON] = [1e-3, 0.9, 0.999, 1e-7];

const array = (data: Float32Array, shape: readonly number[]): np.Array =>
  np.array(data as Float32Array<ArrayBuffer>).reshape([...shape]);
const each = (make: (shape: readonly number[]) => np.Array): Parameters =>
  Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, make(shape)]));

/** A function of jax-js owns what it is given, and gives away what it passes on. */
function loss(p: Parameters, x: np.Array, y: np.Array, mask0: np.Array, mask1: np.Array): np.Array {
  const own = p as Record<keyof typeof SHAPES, np.Array>;
  const first = nn.relu(lax.conv(x, own.conv0, [1, 1], 'VALID').add(own.bias0)); // [64, 8, 24, 24]
  const second = nn.relu(lax.conv(first, own.conv1, [1, 1], 'VALID').add(own.bias1)); // [64, 16, 20, 20]
  const pooled = np.max(second.reshape([BATCH, 16, 10, 2, 10, 2]), [3, 5]).mul(mask0);
  const hidden = nn.relu(np.dot(pooled.reshape([BATCH, 1600]), own.dense0).add(own.bias2)).mul(mask1);
  const scores = nn.logSoftmax(np.dot(hidden, own.dense1).add(own.bias3), -1);
  return np.mean(np.sum(scores.mul(y), -1)).mul(-1);
}

const adam = jit(
  (
    p: Parameters,
    m: Parameters,
    v: Parameters,
    c1: np.Array,
    c2: np.Array,
    x: np.Array,
    y: np.Array,
    a: np.Array,
    b: np.Array,
  ) => {
    const [value, gradient] = valueAndGrad(loss)(tree.ref(p), x, y, a, b) as [np.Array, Parameters];
    const [nextP, nextM, nextV]: Parameters[] = [{}, {}, {}];
    for (const name of Object.keys(SHAPES)) {
      const [old, g] = [p[name], gradient[name]] as [np.Array, np.Array];
      const mean = (m[name] as np.Array).mul(BETA1).add(g.ref.mul(1 - BETA1));
      const square = (v[name] as np.Array).mul(BETA2).add(np.square(g).mul(1 - BETA2));
      const down = np.sqrt(square.ref.mul(c2.ref)).add(EPSILON);
      (nextP as Parameters)[name] = old.sub(mean.ref.mul(c1.ref).mul(RATE).div(down));
      (nextM as Parameters)[name] = mean;
      (nextV as Parameters)[name] = square;
    }
    c1.dispose();
    c2.dispose();
    return [value, nextP, nextM, nextV] as [np.Array, Parameters, Parameters, Parameters];
  },
);

export async function jaxStick(): Promise<Step> {
  await init('wasm');
  defaultDevice('wasm');
  let p = each((shape) =>
    array(
      uniform(sizeOf(shape)).map((x) => (x - 0.5) * 0.1),
      shape,
    ),
  );
  let m = each((shape) => np.zeros([...shape]));
  let v = each((shape) => np.zeros([...shape]));
  let steps = 0;
  return async () => {
    steps += 1;
    const corrections = [1 / (1 - BETA1 ** steps), 1 / (1 - BETA2 ** steps)].map((x) => np.array([x]).reshape([]));
    const [c1, c2] = corrections as [np.Array, np.Array];
    const given = [array(pictures, [BATCH, 3, 28, 28]), array(labels, [BATCH, 10])] as const;
    const [value, ...next] = adam(p, m, v, c1, c2, ...given, array(maskOf(MASK0), MASK0), array(maskOf(MASK1), MASK1));
    [p, m, v] = next;
    await blockUntilReady(next);
    const [number] = await value.data();
    if (!Number.isFinite(number)) throw new Error('stick: expected a finite loss');
  };
}
