// What refusals have in common, on every path: their shape.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pocketgen } from '../../edge/app.ts';
import { openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let app: ReturnType<typeof pocketgen>;
beforeAll(async () => {
  app = pocketgen({ models: await openFolder(tiny.folder) });
});
afterAll(tiny.remove);

const told = async (response: Response) => (await response.json()) as object;

test('only the OpenAI route has OpenAI’s shape, not a model whose name begins or is like its last part', async () => {
  const errors = async (path: string, method = 'GET') => {
    const response = await app.request(path, { method });
    return [response.headers.get('Content-Type'), Object.keys(await told(response)).includes('error')];
  };
  const problem = 'application/problem+json';
  expect(await errors('/v1/images/generationsfoo/7.png')).toEqual([problem, false]);
  expect(await errors('/v1/images/generations/7.png')).toEqual([problem, false]);
  expect(await errors('/v1/modelsfoo')).toEqual([problem, false]);
  expect(await errors('/v1/models/nobody')).toEqual([problem, true]);
  for (const path of ['/v1/images/generations', '/v1/images/generations/', '//v1/images//generations'])
    expect(await errors(`http://localhost${path}`, 'POST')).toEqual(['application/json', true]);
});
