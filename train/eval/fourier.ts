// Discrete Fourier transform of any length, in place: halves as long as the length is even (Cooley & Tukey 1965), then the
// sum as it is defined, which for picture sizes has 1, 3 or 7 terms. Libraries at hand take powers of two only.

export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** A transform of `length` numbers: X(k) = Σ x(n) exp(−2πi kn / length), not scaled. */
export function fourier(length: number): (values: Complex) => void {
  const cos = Float64Array.from({ length }, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const sin = Float64Array.from({ length }, (_, i) => -Math.sin((2 * Math.PI * i) / length));
  const odd = length / (length & -length);

  /** From every `stride`-th of `from`, starting at `first`, to `count` = length / stride places of `to`. */
  const transform = (from: Complex, first: number, stride: number, to: Complex, at: number, count: number): void => {
    if (count === odd) {
      for (let k = 0; k < count; k++) {
        let [re, im] = [0, 0];
        for (let n = 0; n < count; n++) {
          const turn = (k * n * stride) % length;
          const [a, b] = [from.re[first + n * stride] ?? 0, from.im[first + n * stride] ?? 0];
          const [c, s] = [cos[turn] ?? 0, sin[turn] ?? 0];
          re += a * c - b * s;
          im += a * s + b * c;
        }
        to.re[at + k] = re;
        to.im[at + k] = im;
      }
      return;
    }
    const half = count / 2;
    transform(from, first, 2 * stride, to, at, half);
    transform(from, first + stride, 2 * stride, to, at + half, half);
    for (let k = 0; k < half; k++) {
      const [c, s] = [cos[k * stride] ?? 0, sin[k * stride] ?? 0];
      const [p, q] = [at + k, at + half + k];
      const [a, b] = [to.re[q] ?? 0, to.im[q] ?? 0];
      const [re, im] = [a * c - b * s, a * s + b * c];
      to.re[q] = (to.re[p] ?? 0) - re;
      to.im[q] = (to.im[p] ?? 0) - im;
      to.re[p] = (to.re[p] ?? 0) + re;
      to.im[p] = (to.im[p] ?? 0) + im;
    }
  };
  const copy: Complex = { re: new Float64Array(length), im: new Float64Array(length) };
  return (values) => {
    copy.re.set(values.re);
    copy.im.set(values.im);
    transform(copy, 0, 1, values, 0, length);
  };
}
