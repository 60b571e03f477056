// tf.image's kernels that read pictures at computed places: crops of boxes, projective transforms, rotations. Pixels are gathered by
// one number each, row · width + column.
import { backend_util } from '@tensorflow/tfjs';
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { binary, cast, gather, materialise, reshape, slice, unary, where } from '../ops.ts';
import { plain, type Traced } from '../traced.ts';
import { type KernelCall, type KernelTable, numbers } from './table.ts';

/** Arithmetic on float32 values; numbers are one value in every place. */
function arithmetic(g: GraphBuilder) {
  type Term = Value | number;
  const value = (t: Term): Value => (typeof t === 'number' ? g.splat(Math.fround(t), 'float32', []) : t);
  const op =
    (name: string) =>
    (a: Term, b: Term): Value =>
      binary(g, name, value(a), value(b));
  return {
    add: op('Add'),
    sub: op('Sub'),
    mul: op('Mul'),
    div: op('Div'),
    less: op('Less'),
    and: op('And'),
    atLeast: op('GreaterOrEqual'),
    atMost: op('LessOrEqual'),
    above: op('Greater'),
    clip: (t: Term, n: number): Value => op('Min')(op('Max')(t, 0), n - 1),
    floor: (t: Value): Value => unary(g, 'Floor', t),
    choose: (condition: Value, a: Term, b: Term): Value => where(g, condition, value(a), value(b)),
  };
}

interface Picture {
  readonly height: number;
  readonly width: number;
  /** Pixels [n, rows, columns, channels] at whole places [n, rows, columns], int32, inside the picture. */
  readonly at: (place: Value) => Value;
}

/**
 * Values at rows y and columns x, float32 [n, rows, columns]: of the nearest pixel, or between four. A pixel beyond the picture is
 * `fill`; without one its nearest neighbour inside is taken.
 */
function sample(g: GraphBuilder, picture: Picture, y: Value, x: Value, bilinear: boolean, fill?: number): Value {
  const { height, width } = picture;
  const m = arithmetic(g);
  const perPixel = (v: Value): Value => reshape(g, v, [...v.shape, 1]);
  const pixel = (row: Value, column: Value): Value => {
    const place = m.add(m.mul(m.clip(row, height), width), m.clip(column, width));
    const found = picture.at(cast(g, place, 'int32'));
    if (fill === undefined) return found;
    const inside = (v: Value, n: number): Value => m.and(m.atLeast(v, 0), m.less(v, n));
    return m.choose(perPixel(m.and(inside(row, height), inside(column, width))), found, fill);
  };
  if (!bilinear) return pixel(m.floor(m.add(y, 0.5)), m.floor(m.add(x, 0.5)));
  const [top, left] = [m.floor(y), m.floor(x)];
  const [down, right] = [perPixel(m.sub(y, top)), perPixel(m.sub(x, left))];
  const row = (at: Value): Value =>
    m.add(m.mul(m.sub(1, right), pixel(at, left)), m.mul(right, pixel(at, m.add(left, 1))));
  return m.add(m.mul(m.sub(1, down), row(top)), m.mul(down, row(m.add(top, 1))));
}

/** Column i of a matrix, [rows, 1, 1]. */
function column(g: GraphBuilder, matrix: Value, i: number): Value {
  const [rows = 1] = matrix.shape;
  return reshape(g, slice(g, matrix, [0, i], [rows, 1]), [rows, 1, 1]);
}

function cropAndResize({ g, input, attrs }: KernelCall): Traced {
  const [given, boxes, boxInd] = [plain(g, input('image')), plain(g, input('boxes')), plain(g, input('boxInd'))];
  const image = cast(g, given, 'float32');
  const [n = 1, height = 1, width = 1, channels = 1] = image.shape;
  const [rows = 1, columns = 1] = numbers(attrs.cropSize);
  const m = arithmetic(g);
  // From the first edge to the second; both ends are exact, so that a box of the whole picture ends inside it.
  const along = (from: number, to: number, n: number, size: number, shape: number[]): Value => {
    const t = Float32Array.from({ length: n }, (_, i) => (n > 1 ? i / (n - 1) : 0.5));
    const part = (weights: Float32Array, edge: number): Value =>
      m.mul(g.constant(weights, 'float32', shape), m.mul(column(g, boxes, edge), size - 1));
    return m.add(
      part(
        t.map((v) => 1 - v),
        from,
      ),
      part(t, to),
    );
  };
  const y = along(0, 2, rows, height, [1, rows, 1]);
  const x = along(1, 3, columns, width, [1, 1, columns]);
  const pixels = reshape(g, image, [n * height * width, channels]);
  const first = binary(
    g,
    'Mul',
    reshape(g, boxInd, [sizeOf(boxInd.shape), 1, 1]),
    g.splat(height * width, 'int32', []),
  );
  const picture = { height, width, at: (place: Value) => gather(g, pixels, binary(g, 'Add', place, first), 0) };
  const inside = (v: Value, n: number): Value => m.and(m.atLeast(v, 0), m.atMost(v, n - 1));
  const within = m.and(inside(y, height), inside(x, width));
  const sampled = sample(g, picture, y, x, attrs.method === 'bilinear');
  return { value: m.choose(reshape(g, within, [...within.shape, 1]), sampled, Number(attrs.extrapolationValue)) };
}

/** Where coordinates beyond a picture of n rows (or columns) lead, by tfjs's names. */
function mapped(g: GraphBuilder, v: Value, n: number, mode: string): Value {
  const m = arithmetic(g);
  const whole = (t: Value, by: number): Value => m.mul(m.floor(m.div(t, by)), by);
  const beyond = (before: Value, after: Value): Value =>
    m.clip(n <= 1 ? m.mul(v, 0) : m.choose(m.less(v, 0), before, m.choose(m.above(v, n - 1), after, v)), n);
  switch (mode) {
    case 'nearest':
      return m.clip(v, n);
    case 'reflect': {
      const before = m.add(v, whole(m.sub(0, v), 2 * n)); // −2n … 0
      const after = m.sub(v, whole(v, 2 * n)); // 0 … 2n
      return beyond(
        m.choose(m.less(before, -n), m.add(before, 2 * n), m.sub(-1, before)),
        m.choose(m.atLeast(after, n), m.sub(2 * n - 1, after), after),
      );
    }
    case 'wrap': {
      const turns = (t: Value): Value => m.floor(m.div(t, n - 1));
      return beyond(m.add(v, m.mul(m.add(turns(m.sub(0, v)), 1), n)), m.sub(v, m.mul(turns(v), n)));
    }
    default:
      return v;
  }
}

/** Each output place (x, y) reads the input at ((a₀x + a₁y + a₂) / k, (b₀x + b₁y + b₂) / k), k = c₀x + c₁y + 1. */
function transform({ g, input, attrs }: KernelCall): Traced {
  const [image, transforms] = [plain(g, input('image')), plain(g, input('transforms'))];
  const [n = 1, height = 1, width = 1, channels = 1] = image.shape;
  const [rows = height, columns = width] = attrs.outputShape ? numbers(attrs.outputShape) : [];
  const m = arithmetic(g);
  const count = (length: number, shape: number[]): Value =>
    g.constant(
      Float32Array.from({ length }, (_, i) => i),
      'float32',
      shape,
    );
  const [outY, outX] = [count(rows, [1, rows, 1]), count(columns, [1, 1, columns])];
  const of = (i: number): Value => column(g, transforms, i);
  const plane = (a: Value, b: Value, c: Value | number): Value => m.add(m.add(m.mul(a, outX), m.mul(b, outY)), c);
  const k = plane(of(6), of(7), 1);
  const mode = String(attrs.fillMode);
  const x = mapped(g, m.div(plane(of(0), of(1), of(2)), k), width, mode);
  const y = mapped(g, m.div(plane(of(3), of(4), of(5)), k), height, mode);
  const pixels = materialise(g, reshape(g, image, [n, height * width, channels]));
  const at = (place: Value): Value => {
    // One transform may serve all pictures; GatherND wants places for each.
    const each = [n, rows, columns, 1];
    const places = reshape(g, cast(g, place, 'int64'), [place.shape[0] ?? 1, rows, columns, 1]);
    const spread = place.shape[0] === n ? places : g.node('Expand', [places, g.ints(each)], {}, 'int64', each);
    return g.node('GatherND', [pixels, materialise(g, spread)], { batch_dims: 1 }, image.dtype, [
      ...each.slice(0, 3),
      channels,
    ]);
  };
  const fill = Number(attrs.fillValue);
  const sampled = sample(g, { height, width, at }, y, x, attrs.interpolation === 'bilinear', fill);
  const infinite = binary(g, 'Equal', k, g.splat(0, 'float32', []));
  return { value: m.choose(reshape(g, infinite, [...infinite.shape, 1]), fill, sampled) };
}

/** The angle is a number, so every place is known while tracing. */
function rotateWithOffset({ g, input, attrs }: KernelCall): Traced {
  const image = plain(g, input('image'));
  const [n = 1, height = 1, width = 1, channels = 1] = image.shape;
  const radians = Number(attrs.radians);
  const [centerX, centerY] = backend_util.getImageCenter(attrs.center as number, height, width);
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const places = Int32Array.from({ length: height * width }, (_, i) => {
    const [x, y] = [(i % width) - centerX, Math.floor(i / width) - centerY];
    const column = Math.round(x * cos - y * sin + centerX);
    const row = Math.round(x * sin + y * cos + centerY);
    return column >= 0 && column < width && row >= 0 && row < height ? row * width + column : -1;
  });
  const area = [height * width];
  const found = gather(
    g,
    reshape(g, image, [n, height * width, channels]),
    g.constant(
      places.map((place) => Math.max(0, place)),
      'int32',
      area,
    ),
    1,
  );
  const inside = g.constant(
    Uint8Array.from(places, (place) => (place < 0 ? 0 : 1)),
    'bool',
    [height * width, 1],
  );
  // A colour fills three channels; the fourth, of opacity, is full.
  const { fillValue } = attrs;
  const colour = Array.isArray(fillValue)
    ? g.constant(
        Float32Array.from({ length: channels }, (_, i) => (i === 3 ? 255 : Number(fillValue[i]))),
        'float32',
        [channels],
      )
    : g.splat(Number(fillValue), 'float32', []);
  return { value: reshape(g, where(g, inside, found, colour), image.shape) };
}

export const sampling: KernelTable = {
  CropAndResize: cropAndResize,
  Transform: transform,
  RotateWithOffset: rotateWithOffset,
};
