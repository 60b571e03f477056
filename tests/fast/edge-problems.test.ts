// What refusals have in common, on every path: their shape, title and anchor, and the methods that a 405 tells.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMPTY_INDEX } from '../../contract/published.ts';
import { pocketgen } from '../../edge/app.ts';
import type { ModelFiles } from '../../edge/services.ts';
import { addPage } from '../../edge/static.ts';
import { folderStore } from '../../edge/store/folder.ts';
import { openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
const folder = mkdtempSync(join(tmpdir(), 'pocketgen-problems-'));
const headers = { Authorization: 'Bearer token' };
let app: ReturnType<typeof pocketgen>;
/** The same with the page built. */
let withPage: ReturnType<typeof pocketgen>;
beforeAll(async () => {
  const models = await openFolder(tiny.folder);
  const files: ModelFiles = { pageList: async () => [], file: async () => undefined };
  const publishing = { to: folderStore(join(folder, 'store')), tokens: 'token' };
  app = pocketgen({ models, files, publishing });
  withPage = pocketgen({ models });
  mkdirSync(join(folder, 'web'));
  writeFileSync(join(folder, 'web', 'index.html'), '<title>the page</title>');
  expect(addPage(withPage, join(folder, 'web'))).toBe(true);
});
afterAll(() => {
  tiny.remove();
  rmSync(folder, { recursive: true });
});

interface Told {
  title: string;
  detail: string;
  type: string;
  error?: object;
}
const told = async (response: Response) => (await response.json()) as Told;

describe('405', () => {
  const blob = `/store/blobs/${'0'.repeat(64)}`;
  test.each([
    ['POST', '/', 'GET, HEAD'],
    ['DELETE', '/v1/models', 'GET, HEAD'],
    ['GET', '/v1/images/generations', 'POST'],
    ['PUT', '/docs', 'GET, HEAD'],
    ['POST', '/models/index.json', 'GET, HEAD'],
    ['PUT', '/models/tiny-plain/model.json', 'GET, HEAD'],
    ['POST', '/store', 'GET, HEAD'],
    ['DELETE', '/store/index.json', 'GET, HEAD, PUT'],
    ['PATCH', '/store/index.json', 'GET, HEAD, PUT'],
    ['POST', blob, 'GET, HEAD, PUT, DELETE'],
  ])('%s %s tells the methods there are: %s', async (method, path, allow) => {
    const response = await app.request(path, { method, headers });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, allow]);
    expect(JSON.stringify(await told(response))).toContain(`method: expected ${allow.replaceAll(', ', ' or ')}, got`);
  });

  test('of a page that is built, too; it is shown to who asks for it', async () => {
    expect(await (await withPage.request('/')).text()).toBe('<title>the page</title>');
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const response = await withPage.request('/', { method });
      expect([method, response.status, response.headers.get('Allow')]).toEqual([method, 405, 'GET, HEAD']);
    }
    const head = await app.request('/', { method: 'HEAD' });
    expect([head.status, head.headers.get('Location')]).toEqual([302, '/docs']);
  });

  test('not of what a store has no place for, nor to who may not publish', async () => {
    expect((await app.request('/store/else', { method: 'PATCH', headers })).status).toBe(404);
    expect((await app.request('/store/index.json', { method: 'PATCH' })).status).toBe(401);
  });
});

test('every status has a title of its own, and /docs says what it means at the anchor that its type names', async () => {
  const docs = await (await app.request('/docs')).text();
  const index = (more: Record<string, string>) =>
    app.request('/store/index.json', {
      method: 'PUT',
      body: JSON.stringify(EMPTY_INDEX),
      headers: { ...headers, ...more },
    });
  const asked = [
    app.request('/v1/models?page=1'),
    app.request('/store'),
    app.request('/v1/models/nobody'),
    app.request('/v1/models', { method: 'DELETE' }),
    index({ 'If-Match': '"another"' }),
    index({}),
  ];
  const titles = new Set<string>();
  for (const response of await Promise.all(asked)) {
    const { title, type } = await told(response);
    expect([response.status, type]).toEqual([response.status, `/docs#status-${response.status}`]);
    expect(docs).toContain(`id="status-${response.status}"`);
    titles.add(title);
  }
  expect([...titles]).toEqual([
    'Bad request',
    'Unauthorized',
    'Not found',
    'Method not allowed',
    'Precondition failed',
    'Precondition required',
  ]);
});

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
