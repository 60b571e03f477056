// What becomes of pictures by class that a person brings to the page, before anything is trained.
import { expect, test } from 'vitest';
import { classesOf, readAll } from '../../web/make/pictures.ts';

const namesOf = (...labels: string[]) => classesOf(labels.map((label) => ({ label }))).names;

test('pictures that nobody named are called by a number that no class has', () => {
  expect(namesOf('', 'cat')).toEqual(['1', 'cat']);
  expect(namesOf('', '1', '2')).toEqual(['3', '1', '2']);
  expect(namesOf('1', '', 'cat')).toEqual(['1', '2', 'cat']);
  expect(namesOf('cat', 'cat')).toEqual([]);
});

test('more classes than a label has numbers for are one sentence', () => {
  const names = Array.from({ length: 257 }, (_, i) => `class ${i}`);
  expect(() => namesOf(...names)).toThrow('classes: expected at most 256, got 257; put some together');
});

test('a class none of whose files could be read is none', async () => {
  const unreadable = ['cat', 'dog'].map((label) => ({ blob: new Blob([]), label }));
  expect(await readAll(unreadable, 16, 3, () => undefined)).toMatchObject({ classes: [], unread: 2 });
});
