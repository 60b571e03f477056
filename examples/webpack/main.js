// A wall of pictures: as many as the device draws at a time, in order, in the background.
import { open } from '@pocketgen/client';

const model = await open('/models/fashion-gan/');
const wall = document.querySelector('main');
const requests = Array.from({ length: 60 }, (_, seed) => ({ seed, class: model.classes[seed % 10] }));

for await (const picture of model.drawMany(requests, { priority: 'background' })) {
  const canvas = picture.toCanvas(document.createElement('canvas'));
  canvas.title = `${picture.point.class} ${picture.point.seed}`;
  wall.append(canvas);
}
