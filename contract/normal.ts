// Inverse of the normal distribution: Wichura's AS241 PPND16 (Applied Statistics 37, 1988, 477-484), with its own
// logarithm, because ECMAScript leaves Math.log to the engine. Only + - * / and sqrt, which IEEE 754 rounds exactly.

/**
 * Natural logarithm of x in (0, 1]: x = m 2^-k with m in [√½, √2), ln x = 2 artanh((m−1)/(m+1)) − k ln 2.
 * The series stops at s^21, where its rest is below 2^-56 of the sum: |s| ≤ 0.1716.
 */
export function naturalLog(x: number): number {
  let m = x;
  let k = 0;
  while (m < Math.SQRT1_2) {
    m *= 2; // exact
    k += 1;
  }
  const s = (m - 1) / (m + 1);
  const t = s * s;
  let sum = 1 / 21;
  for (let n = 19; n >= 1; n -= 2) sum = sum * t + 1 / n;
  return 2 * s * sum - k * Math.LN2;
}

// Coefficients of the highest power first, as the doubles that the published decimals round to.
const CENTRE_NUMERATOR = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const TAIL_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];

/** Horner's rule, one multiplication and one addition rounded apart (never fused). */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const c of coefficients) sum = sum * x + c;
  return sum;
}

/**
 * The x whose cumulative normal probability is u, for u in [2^-33, 1 − 2^-33]: |x| < 6.34.
 * AS241 has a third piece for √(−ln u) > 5; the smallest u here gives 4.79, so that piece is left out.
 */
export function inverseNormal(u: number): number {
  const q = u - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  const r = Math.sqrt(-naturalLog(q < 0 ? u : 1 - u)) - 1.6;
  const x = polynomial(TAIL_NUMERATOR, r) / polynomial(TAIL_DENOMINATOR, r);
  return q < 0 ? -x : x;
}
