// Seed → latent: reference vectors of the building blocks, our own published vectors, and properties of all seeds.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../contract/errors.ts';
import { classOf, latentOf, oneHot, parseSeed, truncate } from '../../contract/latent.ts';
import { murmur3 } from '../../contract/murmur.ts';
import { inverseNormal, naturalLog } from '../../contract/normal.ts';
import { philox4x32 } from '../../contract/philox.ts';
import { randomNormals, randomWords, STREAM } from '../../contract/random.ts';

const u32 = fc.integer({ min: 0, max: 4294967295 });
const hex = (words: Iterable<number>) => Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(' ');

describe('Philox4x32-10', () => {
  // The three "philox4x32 10" lines of tests/kat_vectors in the Random123 distribution.
  test.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('gives the known answer for counter %s and key %s', (counter, key, answer) => {
    const words = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));
    const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = words(counter);
    const [k0 = 0, k1 = 0] = words(key);
    expect(hex(philox4x32([c0, c1, c2, c3], [k0, k1]))).toBe(answer);
  });
});

describe('MurmurHash3 x86_32', () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  // Known values of the C++ reference (aappleby/smhasher), as collected by other implementations' tests.
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['a', 0, 0x3c2569b2],
    ['abc', 0, 0xb3dd93fa],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ])('hashes %j with seed %d as the reference does', (text, seed, hash) => {
    expect(murmur3(utf8(text), seed)).toBe(hash);
  });

  test("passes SMHasher's verification: the hash of the hashes of 0..i-1 with seed 256-i is b0f57ee3", () => {
    const hashes = new DataView(new ArrayBuffer(1024));
    for (let i = 0; i < 256; i++)
      hashes.setUint32(
        i * 4,
        murmur3(
          Uint8Array.from({ length: i }, (_, k) => k),
          256 - i,
        ),
        true,
      );
    expect(murmur3(new Uint8Array(hashes.buffer))).toBe(0xb0f57ee3);
  });
});

describe('the normal distribution', () => {
  test('its logarithm is within 2e-16 of the engine’s, relative to the sum of its two terms', () => {
    fc.assert(
      fc.property(u32, (word) => {
        const u = (word + 0.5) / 2 ** 32;
        expect(Math.abs(naturalLog(u) - Math.log(u))).toBeLessThanOrEqual(4.5e-16 * Math.max(1, -Math.log(u)));
      }),
      { numRuns: 2000 },
    );
  });

  // Python 3.11: statistics.NormalDist().inv_cdf(u), which is AS241 too, on the C library's logarithm.
  test.each([
    [0.5, 0],
    [0.3, -0.5244005127080407],
    [0.975, 1.9599639845400536],
    [0.001, -3.090232306167813],
    [0.5 / 2 ** 32, -6.337957754553789],
  ])('inverseNormal(%d) agrees with Python to 1e-14', (u, x) => {
    expect(Math.abs(inverseNormal(u) - x)).toBeLessThan(1e-14);
  });

  test('is odd about one half, bit for bit, and increasing', () => {
    fc.assert(
      fc.property(u32, u32, (a, b) => {
        const u = (word: number) => (word + 0.5) / 2 ** 32;
        expect(inverseNormal(u(a))).toBe(-inverseNormal(1 - u(a)));
        if (a < b) expect(inverseNormal(u(a))).toBeLessThan(inverseNormal(u(b)));
      }),
    );
  });
});

describe('a seed', () => {
  // The vectors published in docs/latents.md, which an implementation written from that page alone reproduced.
  const published = JSON.parse(readFileSync(new URL('./contract-latents.json', import.meta.url), 'utf8')) as {
    seeds: { text: string; seed: number }[];
    latents: { seed: number; bits: string[]; class10: number }[];
  };

  test.each(published.seeds)('$text is the number $seed', ({ text, seed }) => {
    expect(parseSeed(text)).toBe(seed);
  });

  test.each(published.latents)('$seed has the published latent and class', ({ seed, bits, class10 }) => {
    expect(hex(new Uint32Array(latentOf(seed, bits.length).buffer)).split(' ')).toEqual(bits);
    expect(classOf(seed, 10)).toBe(class10);
  });

  test('the published vectors are the ones in docs/latents.md', () => {
    const page = readFileSync(new URL('../../docs/latents.md', import.meta.url), 'utf8').replace(/ +/g, ' ');
    for (const { text, seed } of published.seeds) expect(page).toContain(`| \`${text}\` | ${seed} |`);
    for (const { seed, bits, class10 } of published.latents)
      expect(page).toContain(`| ${seed} | \`${bits.slice(0, 4).join(' ')}\` | ${class10} |`);
  });

  test('that is a number, or its decimal text, is that number', () => {
    fc.assert(
      fc.property(u32, (n) => {
        expect(parseSeed(n)).toBe(n);
        expect(parseSeed(String(n))).toBe(n);
      }),
    );
  });

  test('that is any other text of 1 to 256 bytes is an unsigned 32-bit integer, the same for both Unicode forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const seed = parseSeed(text);
        expect(seed).toBe(seed >>> 0);
        expect(parseSeed(text.normalize('NFD'))).toBe(seed);
      }),
    );
    expect(parseSeed('007')).not.toBe(7);
    expect(parseSeed('4294967296')).toBe(murmur3(new TextEncoder().encode('4294967296')));
  });

  test.each([[-1], [1.5], [2 ** 32], [Number.NaN], [''], ['x'.repeat(257)]])(
    '%j is refused in one sentence',
    (seed) => {
      expect(() => parseSeed(seed)).toThrow(UserError);
      expect(() => parseSeed(seed)).toThrow(/^seed: expected .+, got .+$/);
    },
  );

  test('has a latent whose beginning does not depend on its size, and other streams are other numbers', () => {
    fc.assert(
      fc.property(u32, fc.integer({ min: 1, max: 70 }), (seed, size) => {
        expect(latentOf(seed, 70).subarray(0, size)).toEqual(latentOf(seed, size));
        expect(randomWords(seed, STREAM.class, 0, 4)).not.toEqual(randomWords(seed, STREAM.latent, 0, 4));
        expect(randomWords(seed, STREAM.training, 1, 4)).not.toEqual(randomWords(seed, STREAM.training, 0, 4));
      }),
    );
  });

  test('has a class in range, and truncation scales its latent', () => {
    fc.assert(
      fc.property(u32, fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0.01, max: 1 }), (seed, count, t) => {
        const index = classOf(seed, count);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(index).toBeLessThan(count);
        expect(oneHot(index, count).indexOf(1)).toBe(index);
        const latent = latentOf(seed, 8);
        expect([...truncate(latent, t)]).toEqual([...latent].map((z) => Math.fround(z * t)));
      }),
    );
  });
});

describe('many seeds', () => {
  const numbers = Float64Array.from({ length: 256_000 }, () => 0);
  for (let seed = 0; seed < 4000; seed++) numbers.set(latentOf(seed, 64), seed * 64);
  const moment = (power: number) => numbers.reduce((sum, x) => sum + x ** power, 0) / numbers.length;

  test('have latents of mean 0, variance 1, no skew and the normal kurtosis, within five standard errors', () => {
    const error = (variance: number) => 5 * Math.sqrt(variance / numbers.length);
    expect(Math.abs(moment(1))).toBeLessThan(error(1));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(error(2));
    expect(Math.abs(moment(3))).toBeLessThan(error(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(error(96));
  });

  test('share no correlation between neighbouring seeds or neighbouring numbers', () => {
    for (const lag of [1, 64]) {
      let sum = 0;
      for (let i = lag; i < numbers.length; i++) sum += (numbers[i] ?? 0) * (numbers[i - lag] ?? 0);
      expect(Math.abs(sum / numbers.length)).toBeLessThan(5 / Math.sqrt(numbers.length));
    }
  });

  test('spread evenly over ten classes', () => {
    const counts = new Array(10).fill(0);
    for (let seed = 0; seed < 10_000; seed++) counts[classOf(seed, 10)] += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(900));
  });
});

test('seed → latent uses no function of Math that ECMAScript leaves to the engine', () => {
  const left = [
    'acos',
    'asin',
    'atan',
    'atan2',
    'cbrt',
    'cos',
    'exp',
    'expm1',
    'hypot',
    'log',
    'log10',
    'log1p',
    'log2',
    'pow',
    'sin',
    'tan',
    'tanh',
  ] as const;
  const kept = left.map((name) => [name, Math[name]] as const);
  const expected = [...latentOf(7, 64)];
  try {
    for (const name of left)
      Math[name] = () => {
        throw new Error(`Math.${name} was called`);
      };
    expect([...latentOf(7, 64)]).toEqual(expected);
    expect(() => Math.log(2)).toThrow('was called');
    classOf(parseSeed('ada@example.com'), 10);
    randomNormals(1, STREAM.training, 2 ** 40, 9);
  } finally {
    for (const [name, original] of kept) Object.assign(Math, { [name]: original });
  }
  for (const file of ['philox', 'murmur', 'normal', 'random', 'latent']) {
    const source = readFileSync(new URL(`../../contract/${file}.ts`, import.meta.url), 'utf8').replace(
      /\/\/.*|\/\*[\s\S]*?\*\//g,
      '',
    );
    expect(source).not.toMatch(/\*\*/);
    expect(source.match(/Math\.\w+/g) ?? []).toSatisfy((used: string[]) =>
      used.every((name) => ['Math.imul', 'Math.sqrt', 'Math.floor', 'Math.LN2', 'Math.SQRT1_2'].includes(name)),
    );
  }
});
