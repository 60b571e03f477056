// Small storage for weights: IEEE half precision, and 8-bit levels with one scale a channel.

/** float32 → float16 bits, rounded to nearest even as IEEE 754 asks; out of range becomes infinity. */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (x) => {
    const sign = (x >>> 16) & 0x8000;
    const exponent = (x >>> 23) & 0xff;
    const fraction = x & 0x7fffff;
    if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0);
    const e = exponent - 112;
    if (e >= 31) return sign | 0x7c00;
    // Below 2^-14 the leading 1 becomes explicit and the fraction is shifted further right.
    if (e < -10) return sign;
    const significand = e > 0 ? fraction | (e << 23) : fraction | 0x800000;
    const shift = e > 0 ? 13 : 14 - e;
    const half = significand >>> shift;
    const rest = significand & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    // A carry out of the fraction moves into the exponent, which is what rounding up means there.
    return sign | (half + (rest > middle || (rest === middle && (half & 1) === 1) ? 1 : 0));
  });
}

/** The numbers that float16 bits stand for, all of them float32 too. */
export const fromHalf = (bits: Uint16Array): Float32Array =>
  Float32Array.from(bits, (half) => {
    const [exponent, fraction] = [(half >>> 10) & 0x1f, half & 0x3ff];
    const size =
      exponent === 0x1f
        ? fraction > 0
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : exponent === 0
          ? fraction * 2 ** -24
          : (1024 + fraction) * 2 ** (exponent - 25);
    return half & 0x8000 ? -size : size;
  });

/** Symmetric 8-bit quantisation, one scale for each index along `axis`: value ≈ level · scale, levels −127..127. */
export function quantise(
  values: Float32Array,
  shape: readonly number[],
  axis: number,
): { levels: Int8Array; scales: Float32Array; scaleShape: number[] } {
  const channels = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const largest = new Float32Array(channels);
  for (const [i, v] of values.entries()) {
    const c = channelOf(i);
    largest[c] = Math.max(largest[c] ?? 0, Math.abs(v));
  }
  const scales = largest.map((m) => (m > 0 ? m / 127 : 1));
  const levels = Int8Array.from(values, (v, i) => Math.round(v / (scales[channelOf(i)] ?? 1)));
  return { levels, scales, scaleShape: shape.map((_, i) => (i === axis ? channels : 1)) };
}
