// <pocket-picture> without a browser: what its attributes ask for, and that a server can import it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { edgeAddress, readWish } from '../../client/element/wish.ts';
import { CUSTOM_ELEMENTS, customElements } from '../../scripts/custom-elements.ts';

const BASE = 'https://site.example/gallery/index.html';

const wishOf = (attributes: Readonly<Record<string, string>>) => readWish((name) => attributes[name] ?? null, BASE);

test('a bundle and a seed are drawn on the device, by the best it offers', () => {
  expect(wishOf({ src: '../models/fashion-gan/', seed: 'ada' })).toEqual({
    bundle: {
      address: 'https://site.example/models/fashion-gan/',
      device: 'auto',
      runtime: undefined,
      version: undefined,
    },
    edge: undefined,
    point: { seed: 'ada' },
  });
});

test('an edge and a model are the edge’s picture first and the bundle it publishes after', () => {
  const wish = wishOf({ edge: '/art/', model: 'fashion-gan', seed: '7', label: 'Coat', truncation: '0.5' });
  expect(wish).toEqual({
    bundle: {
      address: 'https://site.example/art/models/fashion-gan/',
      device: 'auto',
      runtime: undefined,
      version: undefined,
    },
    edge: { base: 'https://site.example/art', model: 'fashion-gan' },
    point: { seed: '7', class: 'Coat', truncation: 0.5 },
  });
});

test('device none leaves it to the edge', () => {
  const wish = wishOf({ edge: 'https://art.example', model: 'fashion-gan@0123456789ab', seed: '7', device: 'none' });
  expect(wish?.bundle).toBeUndefined();
  expect(wish?.edge).toEqual({ base: 'https://art.example', model: 'fashion-gan@0123456789ab' });
});

test('a version that is asked for is asked of the bundle too, at its own address or where src says', () => {
  const asked = { model: 'fashion-gan@0123456789ab', seed: '7' };
  expect(wishOf({ ...asked, src: '/mine/' })?.bundle).toMatchObject({
    address: 'https://site.example/mine/',
    version: '0123456789ab',
  });
  expect(wishOf({ ...asked, edge: '/' })?.bundle).toEqual({
    address: 'https://site.example/models/fashion-gan@0123456789ab/',
    device: 'auto',
    runtime: undefined,
    version: '0123456789ab',
  });
});

test.each([
  ['no seed', { src: '/m/' }],
  ['an empty seed, as of a template that has no value yet', { src: '/m/', seed: '' }],
  ['neither bundle nor edge', { seed: 'ada', model: 'fashion-gan' }],
])('%s asks for nothing', (_, attributes) => {
  expect(wishOf(attributes)).toBeUndefined();
});

test.each([
  [{ src: '/m/', seed: '1', device: 'gpu' }, 'device: expected one of auto, wasm, wasm-threads, webgpu, none, got gpu'],
  [{ src: '/m/', seed: '1', truncation: '1.5' }, 'truncation: expected a number above 0, at most 1, got 1.5'],
  [{ src: '/m/', seed: '1', device: 'none' }, 'edge: expected the address of an API, as device is none, got nothing'],
  [{ edge: '/', seed: '1' }, 'model: expected the name of a model that the edge draws, got nothing'],
  [{ src: 'http://', seed: '1' }, 'src: expected an address, got http://'],
])('%o is refused in one sentence', (attributes, message) => {
  expect(() => wishOf(attributes)).toThrow(message);
});

test('any seed and label are one segment and one value of the edge’s address', () => {
  const address = edgeAddress('https://art.example/art', 'fashion-gan@0123456789ab', {
    seed: 'a/b?c#d é',
    class: 'T-shirt/top',
    truncation: 0.5,
  });
  expect(address).toBe(
    'https://art.example/art/v1/images/fashion-gan@0123456789ab/a%2Fb%3Fc%23d%20%C3%A9.png?class=T-shirt%2Ftop&truncation=0.5',
  );
});

test('a server that imports the element gets the class and registers nothing', async () => {
  const before = Object.getOwnPropertyNames(globalThis);
  const { PocketPicture } = await import('../../client/element/index.ts');
  expect(PocketPicture.observedAttributes).toContain('seed');
  expect(Object.getOwnPropertyNames(globalThis)).toEqual(before);
  expect('customElements' in globalThis).toBe(false);
});

test('custom-elements.json says what the class has', () => {
  // After a change of the class: node scripts/custom-elements.ts
  expect(readFileSync(CUSTOM_ELEMENTS, 'utf8')).toBe(customElements());
});
