// The library keeps model and runtime by itself, once their hashes are what they should be; isCached says whether all is there.
import { isCached } from '@pocketgen/client';
import '@pocketgen/client/element';

const picture = document.querySelector('pocket-picture');
picture.addEventListener('load', async () => {
  document.querySelector('output').textContent = (await isCached(picture.src)) ? 'Ready offline' : '';
});
picture.seed = 'ada@example.com';

document.querySelector('button').addEventListener('click', () => {
  picture.seed = crypto.randomUUID();
});
