// Drops a bundle (a zip of `pocketgen export`) on the page, or opens the one of this site: nothing leaves the device.
import { type Model, open, type Source } from '@pocketgen/client';

const output = document.querySelector('output')!;
const picture = document.querySelector('img')!;

async function show(source: Source): Promise<void> {
  // Where build.js has put ONNX Runtime; Vite and webpack do this by themselves.
  const model: Model = await open(source, { wasmPaths: new URL('./ort/', import.meta.url), device: 'wasm' });
  const drawn = await model.draw({ seed: 'ada@example.com' });
  picture.src = await drawn.toDataURL({ scale: 8 });
  output.textContent = `${model.manifest.title}, ${model.device.provider}`;
  await model.dispose();
}

document.querySelector('input')?.addEventListener('change', ({ currentTarget }) => {
  const [file] = (currentTarget as HTMLInputElement).files ?? [];
  if (file !== undefined)
    show(file).catch((error: unknown) => {
      output.textContent = String(error);
    });
});
await show('/models/fashion-gan/');
