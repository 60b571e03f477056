// What a browser makes of a transparent model's files: real Chromium decodes PNG, SVG, GIF and animated PNG of the API.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { largestDifference } from '../../contract/bundle.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { pocketgen } from '../../edge/app.ts';
import { drawWalk } from '../../edge/routes/walks.ts';
import { launchBrowser } from '../browser.ts';
import { CLEAR } from '../fast/edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from '../fast/edge-services.ts';

const tiny = await tinyFolder(CLEAR);
const SCALE = 4;
let walk: Picture[];
let browser: Browser;
let page: Page;
let base64Of: (path: string) => Promise<string>;

beforeAll(async () => {
  const models = await openFolder(tiny.folder);
  const model = await modelOf(models, 'tiny-clear');
  const app = pocketgen({ models });
  base64Of = async (path) => Buffer.from(await (await app.request(path)).arrayBuffer()).toString('base64');
  const end = (seed: number) => ({ seed, class: 0 });
  walk = (await drawWalk(model, end(1), end(2), 4, 0.9)).map((picture) => scaleUp(picture, SCALE));
  browser = await launchBrowser();
  page = await browser.newPage();
  await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('https://pictures.test/'); // ImageDecoder wants a secure context
});
afterAll(async () => {
  await browser?.close();
  tiny.remove();
});

/** RGBA of every frame. Chromium decodes to premultiplied colours, so these are within a level of that. */
async function framesOf(type: string, path: string): Promise<Uint8Array[]> {
  const frames = await page.evaluate(
    async ([base64, type]) => {
      const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const decoder = new ImageDecoder({ data, type });
      await decoder.tracks.ready;
      const frames: number[][] = [];
      for (let frameIndex = 0; frameIndex < (decoder.tracks.selectedTrack?.frameCount ?? 0); frameIndex++) {
        const { image } = await decoder.decode({ frameIndex });
        const pixels = new Uint8Array(image.allocationSize({ format: 'RGBA' }));
        await image.copyTo(pixels, { format: 'RGBA' });
        frames.push([...pixels]);
      }
      return frames;
    },
    [await base64Of(path), type] as const,
  );
  return frames.map((frame) => Uint8Array.from(frame));
}

const QUERY = `from=1&to=2&class=0&frames=4&scale=${SCALE}`;

function differences(frames: readonly Uint8Array[]): number[] {
  return frames.map((frame, i) => largestDifference(walk[i]?.data ?? new Uint8Array(), frame, 4));
}

test('a PNG is the picture that was drawn', async () => {
  const frames = await framesOf('image/png', `/v1/images/tiny-clear/1.png?class=0&scale=${SCALE}`);
  expect(Math.max(...differences(frames))).toBeLessThanOrEqual(1);
});

test('every frame of an animated PNG replaces the one before, alpha and all', async () => {
  const frames = await framesOf('image/png', `/v1/walks/tiny-clear.apng?${QUERY}`);
  expect(frames).toHaveLength(4);
  expect(Math.max(...differences(frames))).toBeLessThanOrEqual(1);
});

test('every frame of a GIF shows its own pixels of alpha 128 and more, and no others', async () => {
  const frames = await framesOf('image/gif', `/v1/walks/tiny-clear.gif?${QUERY}`);
  const alphas = (data: Uint8Array) => [...data].filter((_, at) => at % 4 === 3);
  expect(frames.map(alphas)).toEqual(walk.map(({ data }) => alphas(data).map((alpha) => (alpha >= 128 ? 255 : 0))));
});

test('an SVG is drawn pixel for pixel', async () => {
  const pixels = await page.evaluate(
    async (base64) => {
      const image = new Image();
      image.src = `data:image/svg+xml;base64,${base64}`;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d');
      context?.drawImage(image, 0, 0);
      return [...(context?.getImageData(0, 0, image.width, image.height).data ?? [])];
    },
    await base64Of(`/v1/images/tiny-clear/1.svg?class=0&scale=${SCALE}`),
  );
  // A canvas keeps colours premultiplied.
  expect(differences([Uint8Array.from(pixels)])[0]).toBeLessThanOrEqual(1);
});
