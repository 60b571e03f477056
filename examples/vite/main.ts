// Opens a bundle with progress and an end, walks from a coat to a boot for ever, and saves what is shown.
import { open } from '@pocketgen/client';

const progress = document.querySelector('progress')!;
const canvas = document.querySelector('canvas')!;

const model = await open('/models/fashion-gan/', {
  onProgress({ loaded, total }) {
    progress.max = total;
    progress.value = loaded;
  },
});
progress.remove();

let shown = await model.draw({ seed: 7, class: 'Coat' });
shown.toCanvas(canvas);

document.querySelector('button')?.addEventListener('click', () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([shown.svg()], { type: 'image/svg+xml' }));
  link.download = 'picture.svg';
  link.click();
});

for (;;)
  for (const [from, to] of [
    ['Coat', 'Ankle boot'],
    ['Ankle boot', 'Coat'],
  ] as const)
    for await (const frame of model.walk({ from: { seed: 7, class: from }, to: { seed: 7, class: to }, frames: 48 })) {
      await new Promise(requestAnimationFrame);
      shown = frame;
      frame.toCanvas(canvas);
    }
