// What becomes of pictures by class that a person brings to the page, before anything is trained.
import { expect, test } from 'vitest';
import { readAll } from '../../web/make/pictures.ts';

/** Nothing that can be read: what is asked here is what classes are called. */
const picture = (label: string) => ({ blob: new Blob([]), label });
const classesOf = async (...labels: string[]) => (await readAll(labels.map(picture), 16, 3, () => undefined)).classes;

test('pictures that nobody named are called by a number that no class has', async () => {
  expect(await classesOf('', 'cat')).toEqual(['1', 'cat']);
  expect(await classesOf('', '1', '2')).toEqual(['3', '1', '2']);
  expect(await classesOf('1', '', 'cat')).toEqual(['1', '2', 'cat']);
  expect(await classesOf('cat', 'cat')).toEqual([]);
});

test('more classes than a label has numbers for are one sentence', async () => {
  const names = Array.from({ length: 257 }, (_, i) => `class ${i}`);
  await expect(classesOf(...names)).rejects.toThrow('classes: expected at most 256, got 257; put some together');
});
