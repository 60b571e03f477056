// Walks between seeds and the two animated formats they are written in.

import fc from 'fast-check';
import { decodeApng } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { encodeApng } from '../../contract/apng.ts';
import { encodeGif } from '../../contract/gif.ts';
import { latentOf } from '../../contract/latent.ts';
import type { Picture } from '../../contract/picture.ts';
import { angleOf, blend, sine, slerp, steps } from '../../contract/walk.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });

describe('a walk', () => {
  test('has an arc tangent and a sine within 4e-16 of the engine’s', () => {
    fc.assert(
      fc.property(unit, unit, (y, x) => {
        fc.pre(y > 0 || x > 0);
        expect(Math.abs(angleOf(y, x) - Math.atan2(y, x))).toBeLessThan(4e-16);
        expect(Math.abs(sine(y * Math.PI) - Math.sin(y * Math.PI))).toBeLessThan(4e-16);
      }),
      { numRuns: 2000 },
    );
  });

  test('agrees with the textbook formula and stays about as long as its ends', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), unit, (from, to, t) => {
        fc.pre(from !== to);
        const [a, b] = [latentOf(from, 64), latentOf(to, 64)];
        const length = (v: Float32Array) => Math.hypot(...v);
        const cosine = a.reduce((sum, z, i) => sum + z * (b[i] ?? 0), 0) / length(a) / length(b);
        const angle = Math.acos(cosine);
        const weights = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
        const z = slerp(a, b, t);
        z.forEach((value, i) => {
          expect(Math.abs(value - (a[i] ?? 0) * (weights[0] ?? 0) - (b[i] ?? 0) * (weights[1] ?? 0))).toBeLessThan(
            1e-6,
          );
        });
        expect(length(z)).toBeGreaterThan(0.7 * Math.min(length(a), length(b)));
      }),
    );
  });

  test('begins and ends at its seeds exactly, and stands still between equal ones', () => {
    const [a, b] = [latentOf(1, 8), latentOf(2, 8)];
    expect(steps(3)).toEqual([0, 0.5, 1]);
    expect(steps(1)).toEqual([0]);
    expect([slerp(a, b, 0), slerp(a, b, 1)]).toEqual([a, b]);
    for (const [i, z] of slerp(a, a, 0.3).entries()) expect(z).toBeCloseTo(a[i] ?? 0, 6);
    expect(blend(Float32Array.of(1, 0), Float32Array.of(0, 1), 0.25)).toEqual(Float32Array.of(0.75, 0.25));
  });

  test('survives opposite and zero vectors', () => {
    const a = latentOf(1, 4);
    for (const b of [a.map((z) => -z), new Float32Array(4)])
      for (const z of slerp(a, b, 0.5)) expect(z).toBeTypeOf('number');
    expect([...slerp(a, new Float32Array(4), 0.5)].every(Number.isFinite)).toBe(true);
  });
});

const frames = (channels: number): Picture[] =>
  [0, 1, 2].map((n) => ({
    width: 3,
    height: 2,
    channels,
    data: Uint8Array.from({ length: 6 * channels }, (_, i) => (i * 31 + n * 70) % 256),
  }));

describe('animated PNG', () => {
  test.each([1, 2, 3, 4])('keeps every pixel of %d channels, its timing and its loop', (channels) => {
    const decoded = decodeApng(encodeApng(frames(channels), 12));
    expect([decoded.numberOfFrames, decoded.numberOfPlays, decoded.channels]).toEqual([3, 0, channels]);
    expect(decoded.frames.map((f) => [f.delayNumber, f.delayDenominator])).toEqual([
      [1, 12],
      [1, 12],
      [1, 12],
    ]);
    expect(decoded.frames.map((f) => new Uint8Array(f.data))).toEqual(frames(channels).map((f) => f.data));
  });
});

describe('GIF', () => {
  test('is GIF89a of the right size, loops, and has one image per frame', () => {
    const bytes = Buffer.from(encodeGif(frames(1), 10));
    expect(bytes.subarray(0, 6).toString()).toBe('GIF89a');
    expect([bytes.readUInt16LE(6), bytes.readUInt16LE(8)]).toEqual([3, 2]);
    expect(bytes.includes('NETSCAPE2.0')).toBe(true);
    expect(bytes.toString('hex').split('21f904').length - 1).toBe(3); // graphic control extensions
    expect(bytes.toString('hex')).toContain('21f904000a00'); // 10 hundredths of a second
    expect(encodeGif(frames(3), 10).length).toBeGreaterThan(0);
  });
});
