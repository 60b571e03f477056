// Which files of a zip are the run's.
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { PICTURES } from '../../train/data/packed.ts';
import { unpackRun } from '../../train/store/packed-run.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

test.each(['', 'my run/', 'a/b/'])(
  'a run zipped by hand with its encoder, under %j, is the run and not the encoder',
  (top) => {
    // In the order of names, as zip programs write: the encoder's comes before the run's own.
    const run = { 'checkpoints/2.safetensors': 'run', 'config.json': 'run', [PICTURES]: 'run' };
    const encoder = { 'encoder/checkpoints/1.safetensors': 'encoder', 'encoder/config.json': 'encoder' };
    const named = Object.entries({ ...encoder, ...run }).map(([path, content]) => [`${top}${path}`, text(content)]);
    const files = unpackRun(zipSync(Object.fromEntries(named)));
    expect([...files].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)])).toEqual(Object.entries(run));
  },
);
