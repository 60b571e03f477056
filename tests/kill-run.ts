// Trains in the folder named on the command line, saving after every step; prints the images seen after each.
// Started, and killed at any moment, by full/resume.test.ts.
import { trainInFolder } from '../train/in-folder.ts';
import { KILL_RUN_IMAGES, smallPictures, smallRecipe } from './small.ts';

const pictures = await smallPictures(100);
await trainInFolder({
  recipe: smallRecipe(pictures, { images: KILL_RUN_IMAGES }),
  pictures,
  source: 'test',
  dir: process.argv[2] ?? '',
  engine: 'onnx',
  device: 'cpu',
  checkpointSeconds: 0,
  onProgress: ({ images }) => console.log(images),
});
