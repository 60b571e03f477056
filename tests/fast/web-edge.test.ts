// The image address that the page's Share dialog gives, asked of the edge itself: the same picture, by seed and by latent.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { toGrid } from '../../contract/compact.ts';
import { decodePng } from '../../contract/png.ts';
import { bundleVersion } from '../../contract/version.ts';
import { pocketgen } from '../../edge/app.ts';
import type { Models } from '../../edge/models.ts';
import { edgeOf } from '../../web/build/edge.ts';
import { policyFor } from '../../web/build/headers.ts';
import { edgeAddress } from '../../web/pictures/edge.ts';
import { inputsOf, type Point } from '../../web/pictures/point.ts';
import { PLAIN, SEEN } from './edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder(SEEN, PLAIN);
let models: Models;
beforeAll(async () => {
  models = await openFolder(tiny.folder);
});
beforeEach(() => {
  // What the page's build and the browser provide.
  vi.stubGlobal('__EDGE__', edgeOf(undefined));
  vi.stubGlobal('document', { baseURI: 'https://pictures.example/page/' });
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await tiny.remove();
});

test('the address of a seed, of a point found by hand and of one between classes gives the picture of the page', async () => {
  const app = pocketgen({ models });
  const { manifest, generator } = await modelOf(models, 'tiny-seen');
  const z = toGrid(Float32Array.from({ length: manifest.latent.size }, (_, i) => Math.sin(3 * i + 1)));
  const points: Point[] = [
    { kind: 'seed', seed: 'ada/b?c', class: 1, truncation: manifest.defaultTruncation },
    { kind: 'seed', seed: '7', class: undefined, truncation: 0.5 },
    { kind: 'free', z, classes: [[2, 1]], truncation: 1 },
    {
      kind: 'free',
      z,
      classes: [
        [0, 0.25],
        [2, 0.75],
      ],
      truncation: 0.6,
    },
  ];
  for (const point of points) {
    const address = edgeAddress(point, { manifest, own: false, version: await bundleVersion(manifest) });
    const { pathname, search } = new URL(address ?? '');
    expect(pathname.startsWith('/page/v1/')).toBe(true);
    const answer = await app.request(`${pathname.slice('/page'.length)}${search}`);
    expect(answer.status).toBe(200);
    const inputs = inputsOf(point, manifest);
    const [expected] = await generator.decode([inputs.z], [inputs.weights]);
    expect(decodePng(new Uint8Array(await answer.arrayBuffer())).data).toEqual(expected?.data);
  }
});

test.each([
  ['https://host.example/art', 'https://host.example/art/'],
  ['https://host.example/art/', 'https://host.example/art/'],
  ['https://host.example', 'https://host.example/'],
  ['/art', 'https://pictures.example/art/'],
  ['', 'https://pictures.example/page/'],
  [undefined, 'https://pictures.example/page/'],
])(
  'a page built for an edge at %j has its addresses below %j, and the policy lets it ask there',
  async (given, below) => {
    const { manifest } = await modelOf(models, 'tiny-seen');
    vi.stubGlobal('__EDGE__', edgeOf(given));
    const { defaultTruncation: truncation } = manifest;
    const point: Point = { kind: 'seed', seed: '7', class: undefined, truncation };
    expect(edgeAddress(point, { manifest, own: false, version: '1' })).toBe(`${below}v1/images/tiny-seen@1/7.png`);
    // A source in a policy with a path is a folder where it ends with a slash, else one file.
    const elsewhere = given?.startsWith('https:') ? ` ${below}` : '';
    expect(policyFor(edgeOf(given))).toContain(`connect-src 'self'${elsewhere};`);
  },
);

test('a page built for no edge has no such address', async () => {
  const { manifest } = await modelOf(models, 'tiny-seen');
  vi.stubGlobal('__EDGE__', edgeOf('none'));
  const point: Point = { kind: 'seed', seed: '7', class: undefined, truncation: 1 };
  expect(edgeAddress(point, { manifest, own: false, version: '1' })).toBeUndefined();
});
