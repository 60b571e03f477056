// Latent walks of a trained model, for its report: strips from seed to seed and from class to class, and a moving grid;
// transparent pictures on a checkerboard.
import { onBackground } from '../contract/background.ts';
import { encodeGif } from '../contract/gif.ts';
import { latentOf, oneHot } from '../contract/latent.ts';
import { contactSheet, type Picture, scaleUp } from '../contract/picture.ts';
import { encodePng } from '../contract/png.ts';
import { blend, slerp, steps } from '../contract/walk.ts';
import type { ModelSource } from './model-source.ts';

const frames = 11;
const rows = 8;
/** The moving grid visits this many seeds and returns to the first. */
const stops = 4;
const framesEach = 12;

const dataUrl = (type: string, bytes: Uint8Array): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

const forEyes = (sheet: Picture): Picture => onBackground(sheet, 'checkerboard');

export async function drawWalks(source: ModelSource): Promise<{ label: string; source: string }[]> {
  const { latentSize, classes } = source;
  const seed = (index: number): Float32Array => latentOf(index, latentSize);
  const weights = (index: number): Float32Array[] =>
    classes.length > 0 ? [oneHot(index % classes.length, classes.length)] : [];
  const strip = async (row: number, toSeed: number, toClass: number): Promise<Picture[]> => {
    const latents = steps(frames).map((t) => slerp(seed(row), seed(toSeed), t));
    const [from, to] = [weights(row)[0], weights(toClass)[0]];
    return source.decode(latents, from && to ? steps(frames).map((t) => blend(from, to, t)) : []);
  };
  const sheet = async (strips: Promise<Picture[]>[]): Promise<string> =>
    dataUrl('image/png', encodePng(forEyes(contactSheet((await Promise.all(strips)).flat(), frames, 1))));

  const indices = Array.from({ length: rows }, (_, row) => row);
  const walks = [
    { label: 'from one seed to another', source: await sheet(indices.map((row) => strip(row, row + rows, row))) },
  ];
  if (classes.length > 1) {
    walks.push({
      label: 'from one class to the next, the seed unchanged',
      source: await sheet(indices.map((row) => strip(row, row, row + 1))),
    });
  }

  const moving: Picture[] = [];
  for (let i = 0; i < stops * framesEach; i++) {
    const [stop, t] = [Math.floor(i / framesEach), (i % framesEach) / framesEach];
    const latent = (tile: number): Float32Array =>
      slerp(seed(100 * tile + stop), seed(100 * tile + ((stop + 1) % stops)), t);
    const tiles = Array.from({ length: 10 }, (_, tile) => tile);
    const pictures = await source.decode(tiles.map(latent), tiles.flatMap(weights));
    moving.push(forEyes(scaleUp(contactSheet(pictures, 5, 1), 2)));
  }
  return [
    ...walks,
    { label: `a walk through ${stops} seeds each`, source: dataUrl('image/gif', encodeGif(moving, 12)) },
  ];
}
