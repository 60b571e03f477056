// A walk from one seed's picture to another's: spherical interpolation of latents (White 2016, "Sampling generative
// networks"), linear interpolation of class weights. Own arc tangent and sine, for the same frames in every engine.

/** atan2(y, x) for x, y ≥ 0, not both 0: the argument is halved twice, then the series (below 2e-17 of the result). */
export function angleOf(y: number, x: number): number {
  const steep = y > x;
  let r = steep ? x / y : y / x; // [0, 1]
  for (let i = 0; i < 2; i++) r = r / (1 + Math.sqrt(1 + r * r)); // tan(a) → tan(a / 2); [0, 0.199]
  const s = r * r;
  let sum = 1 / 25;
  for (let n = 23; n >= 1; n -= 2) sum = 1 / n - s * sum;
  const angle = 4 * r * sum;
  return steep ? Math.PI / 2 - angle : angle;
}

/** sin(x) for x in [0, π], by its series to x^23. */
export function sine(x: number): number {
  const a = x > Math.PI / 2 ? Math.PI - x : x;
  const s = a * a;
  let sum = 1;
  for (let n = 22; n >= 2; n -= 2) sum = 1 - (s / (n * (n + 1))) * sum;
  return a * sum;
}

/** The latent at t in [0, 1] on the arc from a to b; their lengths are blended along. Exactly a at 0 and b at 1. */
export function slerp(a: Float32Array, b: Float32Array, t: number): Float32Array {
  if (t === 0) return a;
  if (t === 1) return b;
  const lengthA = Math.sqrt(a.reduce((total, z) => total + z * z, 0));
  const lengthB = Math.sqrt(b.reduce((total, z) => total + z * z, 0));
  let difference = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const u = (a[i] ?? 0) / lengthA;
    const v = (b[i] ?? 0) / lengthB;
    difference += (u - v) * (u - v);
    sum += (u + v) * (u + v);
  }
  // Kahan's formula: exact to the last bits also for vectors that nearly agree.
  const angle = 2 * angleOf(Math.sqrt(difference), Math.sqrt(sum));
  const whole = sine(angle);
  const straight = !(whole > 1e-6); // parallel, opposite or zero vectors: the arc has no plane
  const weightA = straight ? 1 - t : sine((1 - t) * angle) / whole;
  const weightB = straight ? t : sine(t * angle) / whole;
  return a.map((z, i) => z * weightA + (b[i] ?? 0) * weightB);
}

/** Class weights at t: a (1 − t) + b t. */
export function blend(a: Float32Array, b: Float32Array, t: number): Float32Array {
  return t === 0 ? a : t === 1 ? b : a.map((x, i) => x * (1 - t) + (b[i] ?? 0) * t);
}

/** The positions of a walk's frames: 0 … 1, both ends included. */
export function steps(frames: number): number[] {
  return Array.from({ length: frames }, (_, i) => (frames === 1 ? 0 : i / (frames - 1)));
}
