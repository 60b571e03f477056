// tf.image's resizing and its gradients.
import type { Value } from '../graph.ts';
import { cast, gather, matMul, reshape } from '../ops.ts';
import { mapUnary, plain, STORED_NCHW, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import { type Kernel, type KernelCall, type KernelTable, numbers } from './table.ts';

/** Weights of one axis of tf.image.resizeBilinear: [to, from]. */
function interpolation(from: number, to: number, alignCorners: boolean, halfPixelCenters: boolean): Float32Array {
  const weights = new Float32Array(to * from);
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, halfPixelCenters ? scale * (i + 0.5) - 0.5 : scale * i);
    const low = Math.min(from - 1, Math.floor(at));
    const high = Math.min(from - 1, low + 1);
    weights[i * from + low] = (weights[i * from + low] ?? 0) + 1 - (at - low);
    weights[i * from + high] = (weights[i * from + high] ?? 0) + at - low;
  }
  return weights;
}

function resizeBilinear({ g, input, attrs, lowering }: KernelCall): Traced {
  // Between whole numbers there are fractions.
  const images = mapUnary(input('images'), (x) => cast(g, x, 'float32'));
  const [n = 1, h = 1, w = 1, c = 1] = shapeOf(images);
  const [height = 1, width = 1] = numbers(attrs.size);
  const [alignCorners, halfPixelCenters] = [attrs.alignCorners === true, attrs.halfPixelCenters === true];
  if (images.value.source.kind === 'splat') {
    return { value: g.splat(images.value.source.fill, 'float32', [n, height, width, c]) };
  }
  // Resize is told ratios, because sizes would fix the batch, and only whole ones give these sizes for certain.
  const whole = height % h === 0 && width % w === 0;
  if (lowering === 'conv' && halfPixelCenters && !alignCorners && whole) {
    const scales = g.constant(Float32Array.of(1, 1, height / h, width / w), 'float32', [4]);
    const roi = g.constant(new Float32Array(), 'float32', [0]);
    const nchw = stored(g, images, STORED_NCHW);
    const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
    return withPerm(g.node('Resize', [nchw, roi, scales], attributes, 'float32', [n, c, height, width]), STORED_NCHW);
  }
  // Interpolation is linear in each axis: two matrix products with constant weights, whatever the ratio.
  const weights = (from: number, to: number): Value =>
    g.constant(interpolation(from, to, alignCorners, halfPixelCenters), 'float32', [to, from]);
  const rows = matMul(g, weights(h, height), reshape(g, plain(g, images), [n, h, w * c]));
  const columns = matMul(g, weights(w, width), reshape(g, rows, [n * height, w, c]));
  return { value: reshape(g, columns, [n, height, width, c]) };
}

/** Which of `from` rows each of `to` rows is the nearest neighbour of. */
function nearest(from: number, to: number, alignCorners: boolean, halfPixelCenters: boolean): Int32Array {
  const align = alignCorners && to > 1;
  const scale = align ? (from - 1) / (to - 1) : from / to;
  return Int32Array.from({ length: to }, (_, i) => {
    const position = halfPixelCenters ? scale * (i + 0.5) : scale * i;
    return Math.min(from - 1, align ? Math.round(position) : Math.floor(position));
  });
}

function resizeNearestNeighbor({ g, input, attrs }: KernelCall): Traced {
  // As two gathers: exact for any ratio, and the same code path on every provider.
  const value = plain(g, input('images'));
  const pick = (v: Value, axis: number, to: number): Value => {
    const rows = nearest(v.shape[axis] ?? 1, to, attrs.alignCorners === true, attrs.halfPixelCenters === true);
    return gather(g, v, g.constant(rows, 'int32', [to]), axis);
  };
  const [height = 1, width = 1] = numbers(attrs.size);
  return { value: pick(pick(value, 1, height), 2, width) };
}

/** Matrix [to, from] with a one where a row comes from. */
function picking(from: number, to: number, alignCorners: boolean): Float32Array {
  const matrix = new Float32Array(to * from);
  for (const [row, source] of nearest(from, to, alignCorners, false).entries()) matrix[row * from + source] = 1;
  return matrix;
}

/**
 * Resizing is linear, so its gradient is a product with the transposed matrices. tfjs's own gradient knows nothing of
 * halfPixelCenters, and neither does this one.
 */
const gradient =
  (weights: (from: number, to: number, alignCorners: boolean) => Float32Array): Kernel =>
  ({ g, input, attrs }) => {
    const dy = plain(g, input('dy'));
    const [n = 1, h = 1, w = 1, c = 1] = shapeOf(input('images'));
    const [, height = 1, width = 1] = dy.shape;
    const matrix = (from: number, to: number): Value =>
      g.constant(transposed(weights(from, to, attrs.alignCorners === true), to), 'float32', [from, to]);
    const rows = matMul(g, matrix(h, height), reshape(g, dy, [n, height, width * c]));
    const columns = matMul(g, matrix(w, width), reshape(g, rows, [n * h, width, c]));
    return { value: reshape(g, columns, [n, h, w, c]) };
  };

function transposed(matrix: Float32Array, rows: number): Float32Array {
  const columns = matrix.length / rows;
  return matrix.map((_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
}

export const resizing: KernelTable = {
  ResizeBilinear: resizeBilinear,
  ResizeNearestNeighbor: resizeNearestNeighbor,
  ResizeBilinearGrad: gradient((from, to, alignCorners) => interpolation(from, to, alignCorners, false)),
  ResizeNearestNeighborGrad: gradient(picking),
};
