// One test for each kernel of trace/kernels/pool.ts, conv-grouped.ts, dilation.ts and fused.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase } from './kernel-case.ts';
import { type Operand, type OperandType, operand, size } from './operands.ts';

type Pair = [number, number];
type Triple = [number, number, number];
type Padding = 'same' | 'valid' | number;
type Rounding = 'floor' | 'ceil' | undefined;

interface Pooling {
  /** [batch, …map, channels] */
  readonly shape: number[];
  readonly dtype: OperandType;
  readonly window: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pad: Padding;
  readonly rounding: Rounding;
}

/** float32 sums of some hundred products. */
const TOLERANCE = 2e-5;
/** Of gradients of squares: sums of some hundred products of such sums, which cancel each other. */
const GRADIENT_TOLERANCE = 2e-4;

/**
 * Maps of `rank` spatial dimensions and windows that fit them.
 *
 * @param dilated whether windows may have gaps, which tfjs does not differentiate
 * @param numeric whether padding may be a number
 * @param rounded whether the output's size may be rounded up, which tfjs's gradients of pooling forget
 */
const poolings = (
  rank: 2 | 3,
  { dilated = false, numeric = true, rounded = true, dtypes = ['float32'] as OperandType[] } = {},
): fc.Arbitrary<Pooling> => {
  const sides = (min: number, max: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });
  return fc
    .record({
      batch: size,
      channels: size,
      map: sides(3, 7),
      window: sides(1, 3),
      strides: sides(1, 3),
      dilation: fc.integer({ min: 1, max: dilated ? 2 : 1 }),
      pad: fc.constantFrom<Padding>('same', 'valid', ...(numeric ? [1] : [])),
      rounding: fc.constantFrom<Rounding>('floor', ...(rounded ? (['ceil'] as const) : [])),
      dtype: fc.constantFrom(...dtypes),
    })
    .map(({ batch, channels, map, window, strides, dilation, pad, rounding, dtype }) => {
      // For padding given as a number tfjs computes every side of the output from the first, and a window of padding alone
      // holds nothing.
      const given = typeof pad === 'number';
      const equal = (list: number[]): number[] => (given ? list.map(() => list[0] ?? 1) : list);
      return {
        shape: [batch, ...equal(map), channels],
        dtype,
        window: equal(window).map((w) => (given ? Math.max(2, w) : w)),
        strides: dilation > 1 ? window.map(() => 1) : equal(strides),
        dilations: window.map(() => dilation),
        pad,
        rounding: given && dilation === 1 ? rounding : undefined,
      };
    })
    .filter(({ shape, window, dilations }) =>
      window.every((w, i) => (w - 1) * (dilations[i] ?? 1) + 1 <= (shape[i + 1] ?? 1)),
    );
};

const pooled = (draw: fc.Arbitrary<Pooling>, op: (x: tf.Tensor, p: Pooling) => tf.Tensor | tf.Tensor[]): KernelCase =>
  kernelCase(
    draw.chain((p) => operand(p.shape, { dtype: p.dtype }).map((x) => [[x], p] as const)),
    ([x], p) => op(x as tf.Tensor, p),
    TOLERANCE,
  );

const pool2 = (kind: 'max' | 'avg', x: tf.Tensor, { window, strides, pad, dilations, rounding }: Pooling): tf.Tensor =>
  tf.pool(x as tf.Tensor4D, window as Pair, kind, pad, dilations as Pair, strides as Pair, rounding);

const pool3 = (kind: 'max' | 'avg', x: tf.Tensor, { window, strides, pad, rounding }: Pooling): tf.Tensor =>
  (kind === 'max' ? tf.maxPool3d : tf.avgPool3d)(x as tf.Tensor5D, window as Triple, strides as Triple, pad, rounding);

/** The gradient of Σ f(x)², so that dy differs from place to place. */
const gradient =
  (f: (x: tf.Tensor, p: Pooling) => tf.Tensor) =>
  (x: tf.Tensor, p: Pooling): tf.Tensor =>
    tf.grad((y: tf.Tensor) => tf.square(f(y, p)))(x);

/** tfjs's cpu backend takes the height of a 3-D window for its width where it looks for the largest value. */
const upright = (draw: fc.Arbitrary<Pooling>): fc.Arbitrary<Pooling> => draw.filter(({ window: [, h, w] }) => h === w);

const max2 = (x: tf.Tensor, { window, strides, pad, rounding }: Pooling): tf.Tensor =>
  tf.maxPool(x as tf.Tensor4D, window as Pair, strides as Pair, pad, rounding);
const avg2 = (x: tf.Tensor, { window, strides, pad, rounding }: Pooling): tf.Tensor =>
  tf.avgPool(x as tf.Tensor4D, window as Pair, strides as Pair, pad, rounding);

/** A filter for the map, drawn with it. */
const filtered = (
  draw: fc.Arbitrary<Pooling>,
  filter: (channels: number, more: number) => number[],
  op: (x: tf.Tensor, filter: tf.Tensor, p: Pooling) => tf.Tensor | tf.Tensor[],
): KernelCase =>
  kernelCase(
    fc
      .tuple(draw, fc.integer({ min: 1, max: 3 }))
      .chain(([p, more]) =>
        fc.tuple(
          fc.tuple(operand(p.shape), operand([...p.window, ...filter(p.shape.at(-1) ?? 1, more)])),
          fc.constant(p),
        ),
      ),
    ([x, f], p) => op(x as tf.Tensor, f as tf.Tensor, p),
    GRADIENT_TOLERANCE,
  );

const filterGradients = (
  f: (x: tf.Tensor, filter: tf.Tensor, p: Pooling) => tf.Tensor,
): ((x: tf.Tensor, filter: tf.Tensor, p: Pooling) => tf.Tensor[]) => {
  return (x, filter, p) => tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.square(f(a, b, p)))([x, filter]);
};

const depthwise = (x: tf.Tensor, filter: tf.Tensor, { strides, pad, dilations, rounding }: Pooling): tf.Tensor =>
  tf.depthwiseConv2d(
    x as tf.Tensor4D,
    filter as tf.Tensor4D,
    strides as Pair,
    pad,
    'NHWC',
    dilations as Pair,
    rounding,
  );
const conv3d = (x: tf.Tensor, filter: tf.Tensor, { strides, pad, dilations }: Pooling): tf.Tensor =>
  tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, strides as Triple, pad as 'same', 'NDHWC', dilations as Triple);
const dilate = (x: tf.Tensor, filter: tf.Tensor, { strides, pad, dilations }: Pooling): tf.Tensor =>
  tf.dilation2d(x as tf.Tensor4D, filter as tf.Tensor3D, strides as Pair, pad as 'same', dilations as Pair);

/** Which of several operands, so that each kernel of a gradient is seen by itself. */
const only =
  <A extends unknown[]>(f: (...args: A) => tf.Tensor[], i: number) =>
  (...args: A): tf.Tensor =>
    f(...args)[i] as tf.Tensor;

const inAndOut = (channels: number, more: number): number[] => [channels, more];
const activations = fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu');
type Activation = Parameters<typeof tf.fused.matMul>[0]['activation'];

/** Operands of a fused kernel: those of the product, a bias and a slope for each output channel, either or both left out. */
interface Fused {
  readonly p: Pooling;
  readonly activation: string;
  readonly biased: boolean;
}

const fusedConv = (
  out: (channels: number, more: number) => number,
  op: (x: tf.Tensor4D, filter: tf.Tensor4D, options: object, p: Pooling) => tf.Tensor,
): KernelCase =>
  kernelCase(
    fc
      .tuple(poolings(2, { dilated: true }), fc.integer({ min: 1, max: 3 }), activations, fc.boolean())
      .chain(([p, more, activation, biased]) => {
        const channels = p.shape.at(-1) ?? 1;
        return fc.tuple(
          fc.tuple<Operand[]>(
            operand(p.shape),
            operand([...p.window, channels, more]),
            operand([out(channels, more)]),
            operand([out(channels, more)]),
          ),
          fc.constant<Fused>({ p, activation, biased }),
        );
      }),
    ([x, filter, bias, slope], { p, activation, biased }) =>
      op(
        x as tf.Tensor4D,
        filter as tf.Tensor4D,
        {
          activation,
          leakyreluAlpha: 0.3,
          ...(biased ? { bias } : {}),
          ...(activation === 'prelu' ? { preluActivationWeights: slope } : {}),
        },
        p,
      ),
    TOLERANCE,
  );

const fusedMatrices = fc
  .record({
    m: size,
    k: size,
    n: size,
    batch: fc.array(size, { maxLength: 1 }),
    activation: activations,
    biased: fc.boolean(),
  })
  .chain(({ m, k, n, batch, activation, biased }) =>
    fc.tuple(
      fc.tuple(operand([...batch, m, k]), operand([...batch, k, n]), operand([n]), operand([n])),
      fc.constant({ activation: activation as Activation, biased }),
    ),
  );

export const windowCases: Readonly<Record<string, KernelCase>> = {
  // A window of padding alone, which rounding up can make, is minus infinity; no int32 is.
  MaxPool: pooled(
    fc.oneof(poolings(2, { dilated: true }), poolings(2, { dilated: true, rounded: false, dtypes: ['int32'] })),
    (x, p) => pool2('max', x, p),
  ),
  AvgPool: pooled(poolings(2, { dilated: true }), (x, p) => pool2('avg', x, p)),
  MaxPoolGrad: pooled(poolings(2, { rounded: false }), gradient(max2)),
  AvgPoolGrad: pooled(poolings(2, { rounded: false }), gradient(avg2)),
  MaxPool3D: pooled(poolings(3), (x, p) => pool3('max', x, p)),
  AvgPool3D: pooled(poolings(3, { rounded: false }), (x, p) => pool3('avg', x, p)),
  MaxPool3DGrad: pooled(
    upright(poolings(3, { rounded: false })),
    gradient((x, p) => pool3('max', x, p)),
  ),
  AvgPool3DGrad: pooled(
    poolings(3, { rounded: false }),
    gradient((x, p) => pool3('avg', x, p)),
  ),
  MaxPoolWithArgmax: kernelCase(
    fc
      .tuple(poolings(2, { numeric: false }), fc.boolean())
      .chain(([p, includeBatch]) => operand(p.shape).map((x) => [[x], { p, includeBatch }] as const)),
    ([x], { p: { window, strides, pad }, includeBatch }) => {
      const found = tf.maxPoolWithArgmax(x as tf.Tensor4D, window as Pair, strides as Pair, pad, includeBatch);
      return [found.result as tf.Tensor, found.indexes as tf.Tensor];
    },
  ),
  DepthwiseConv2dNative: filtered(poolings(2, { dilated: true }), inAndOut, depthwise),
  DepthwiseConv2dNativeBackpropInput: filtered(poolings(2), inAndOut, only(filterGradients(depthwise), 0)),
  DepthwiseConv2dNativeBackpropFilter: filtered(poolings(2), inAndOut, only(filterGradients(depthwise), 1)),
  Conv3D: filtered(poolings(3, { dilated: true, numeric: false }), inAndOut, conv3d),
  Conv3DBackpropInputV2: filtered(poolings(3, { numeric: false }), inAndOut, only(filterGradients(conv3d), 0)),
  Conv3DBackpropFilterV2: filtered(poolings(3, { numeric: false }), inAndOut, only(filterGradients(conv3d), 1)),
  Dilation2D: filtered(poolings(2, { dilated: true, numeric: false }), (channels) => [channels], dilate),
  Dilation2DBackpropInput: filtered(
    poolings(2, { numeric: false }),
    (channels) => [channels],
    only(filterGradients(dilate), 0),
  ),
  Dilation2DBackpropFilter: filtered(
    poolings(2, { numeric: false }),
    (channels) => [channels],
    only(filterGradients(dilate), 1),
  ),
  _FusedMatMul: kernelCase(
    fusedMatrices,
    ([a, b, bias, slope], { activation, biased }) =>
      tf.fused.matMul({
        a: a as tf.Tensor,
        b: b as tf.Tensor,
        leakyreluAlpha: 0.3,
        ...(activation ? { activation } : {}),
        ...(biased && bias ? { bias } : {}),
        ...(activation === 'prelu' && slope ? { preluActivationWeights: slope } : {}),
      }),
    TOLERANCE,
  ),
  FusedConv2D: fusedConv(
    (_channels, more) => more,
    (x, filter, options, { strides, pad, dilations, rounding }) =>
      tf.fused.conv2d({
        x,
        filter,
        strides: strides as Pair,
        pad,
        dilations: dilations as Pair,
        ...(rounding ? { dimRoundingMode: rounding } : {}),
        ...options,
      }),
  ),
  FusedDepthwiseConv2D: fusedConv(
    (channels, more) => channels * more,
    (x, filter, options, { strides, pad, dilations, rounding }) =>
      tf.fused.depthwiseConv2d({
        x,
        filter,
        strides: strides as Pair,
        pad,
        dilations: dilations as Pair,
        ...(rounding ? { dimRoundingMode: rounding } : {}),
        ...options,
      }),
  ),
};
