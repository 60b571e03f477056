// Transparency in 8-bit levels. Networks and picture sets hold colours multiplied by alpha, so that what nobody sees is
// 0, 0, 0, 0 and teaches nothing; pictures and files hold straight colours. Integers only: the same bytes everywhere.

/** c × a / 255, rounded (never half-way, as 255 is odd). */
function times(c: number, a: number): number {
  return Math.floor((2 * c * a + 255) / 510);
}

/** RGBA, straight → premultiplied. Gives back exactly the levels that `straighten` was given. */
export function premultiply(straight: Uint8Array): Uint8Array {
  const out = straight.slice();
  for (let at = 0; at < out.length; at += 4) {
    const a = out[at + 3] ?? 0;
    for (let i = at; i < at + 3; i++) out[i] = times(out[i] ?? 0, a);
  }
  return out;
}

/**
 * RGBA, premultiplied → straight: p × 255 / a, rounded half up; 0 where a is 0. A colour above its alpha, which a
 * network can give but no picture has, counts as the alpha.
 */
export function straighten(premultiplied: Uint8Array): Uint8Array {
  const out = premultiplied.slice();
  for (let at = 0; at < out.length; at += 4) {
    const a = out[at + 3] ?? 0;
    for (let i = at; i < at + 3; i++) {
      const p = Math.min(out[i] ?? 0, a);
      out[i] = a === 0 ? 0 : Math.floor((510 * p + a) / (2 * a));
    }
  }
  return out;
}
