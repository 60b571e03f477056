// Feature matrices, the input of every metric: one row per picture, as a classifier saw it.
import { Matrix } from 'ml-matrix';

export interface Features {
  rows: number;
  columns: number;
  /** [rows, columns], row-major. */
  data: Float32Array;
}

export function rowsOf(features: Features, start: number, end: number): Features {
  const { columns, data } = features;
  return { rows: end - start, columns, data: data.subarray(start * columns, end * columns) };
}

/** The rows named, copied, in that order. */
export function rowsAt({ columns, data }: Features, rows: readonly number[]): Features {
  const picked = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  return { rows: rows.length, columns, data: picked };
}

/** Column means in double precision: [columns]. */
export function meanOf({ rows, columns, data }: Features): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) mean[i % columns] = (mean[i % columns] ?? 0) + (data[i] ?? 0);
  return mean.map((sum) => sum / rows);
}

/** Unbiased covariance (divided by rows − 1), [columns, columns]. */
export function covarianceOf({ rows, columns, data }: Features, mean: Float64Array): Matrix {
  const centred = new Matrix(rows, columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      centred.set(row, column, (data[row * columns + column] ?? 0) - (mean[column] ?? 0));
    }
  }
  return centred
    .transpose()
    .mmul(centred)
    .div(rows - 1);
}

/** Rows minus `origin`, in single precision: distances between close points then lose fewer digits. */
export function shifted({ rows, columns, data }: Features, origin: Float64Array): Features {
  return { rows, columns, data: data.map((value, i) => value - (origin[i % columns] ?? 0)) };
}
