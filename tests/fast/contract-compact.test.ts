// The compact form of a latent and of class weights: what is on the grid comes back as it was, what is not is brought to it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLatent, decodeMix, encodeLatent, encodeMix, mixWeights, toGrid, toMix } from '../../contract/compact.ts';

const numbers = fc.array(fc.float({ noDefaultInfinity: true, noNaN: true }), { maxLength: 600 });

test('a latent on the grid is the same numbers after a link, two bytes each', () => {
  fc.assert(
    fc.property(numbers, (list) => {
      const z = toGrid(Float32Array.from(list));
      const text = encodeLatent(z);
      expect(text.length).toBe(Math.ceil((z.length * 2 * 4) / 3));
      expect(text).toMatch(/^[\w-]*$/);
      expect(decodeLatent(text, z.length)).toEqual(z);
    }),
  );
});

test('the text is the same whether the numbers were brought to the grid before or not', () => {
  fc.assert(
    fc.property(numbers, (list) => {
      const z = Float32Array.from(list);
      expect(encodeLatent(z)).toBe(encodeLatent(toGrid(z)));
    }),
  );
});

test('the bytes are those that docs/latents.md says, and numbers outside of the grid are at its ends', () => {
  // int16 of 1, -1, the two ends: 0010, 00f0, ff7f, 0080 as little-endian bytes.
  const text = Buffer.from('001000f0ff7f0080', 'hex').toString('base64url');
  expect(encodeLatent(Float32Array.of(1, -1, 8, -8))).toBe(text);
  expect(encodeLatent(Float32Array.of(1, -1, 1e30, Number.NEGATIVE_INFINITY))).toBe(text);
  expect([...decodeLatent(text)]).toEqual([1, -1, 32767 / 4096, -8]);
  expect(Object.is(toGrid(Float32Array.of(-1e-9))[0], 0)).toBe(true);
});

test('text that is no latent says so', () => {
  expect(() => decodeLatent('%%')).toThrow('z: expected base64url, got something else; the link is damaged');
  expect(() => decodeLatent('AAAAA')).toThrow('z: expected base64url');
  expect(() => decodeLatent('AAAA', 64)).toThrow('z: expected two bytes a number, got 3 bytes; the link is damaged');
  expect(() => decodeLatent('AAA', 2)).toThrow('z: expected 2 numbers, got 1; the link is of another model');
});

const three = { classes: ['T-shirt/top', 'Trouser', 'Ankle boot'] };

test('class weights come back as they were', () => {
  const mix = toMix(Float32Array.of(0.25, 0, 0.7504));
  expect(encodeMix(mix)).toBe('0*0.25,2*0.75');
  expect(decodeMix('0*0.25,2*0.75', three)).toEqual(mix);
  expect(mixWeights(mix, three)).toEqual(Float32Array.of(0.25, 0, 0.75));
  expect(decodeMix('', three)).toEqual([]);
});

test('class weights however small are written as text that is read again, on the grid', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }), (weights) => {
      const mix = weights.map((weight, index) => [index, weight] as const);
      const read = decodeMix(encodeMix(mix), three);
      expect(encodeMix(read)).toBe(encodeMix(mix));
      const written = mixWeights(read, three);
      for (const [index, weight] of mix) expect(Math.abs((written[index] ?? 0) - weight)).toBeLessThan(0.000501);
    }),
  );
  expect(
    encodeMix([
      [0, 1e-7],
      [2, 0.75],
    ]),
  ).toBe('2*0.75');
});

test('class weights that are none are named', () => {
  expect(() => decodeMix('7*1', three)).toThrow('classes: expected an index below 3, * and a weight, got 7*1');
  expect(() => decodeMix('0*2', three)).toThrow('classes: expected a weight from 0 to 1, got 0*2');
  for (const text of ['0', '*1', '0*', '0*-1', '0*1e3', '0*NaN', '0*1,', ' 0*1', '1.0*1'])
    expect(() => decodeMix(text, three)).toThrow('classes: expected an index below 3, * and a weight, got');
  expect(() => decodeMix('0*0.5,0*0.5', three)).toThrow('classes: expected each class once');
});
