// Addresses that name a model's version and are kept for ever, and those that name the model alone.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UserError } from '../../contract/errors.ts';
import { bundleVersion, versionedName } from '../../contract/version.ts';
import { pocketgen } from '../../edge/app.ts';
import { openLibrary } from '../../edge/library.ts';
import { type Models, openWhole } from '../../edge/models.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { replaceFolder } from '../../export/folder.ts';
import { COLOUR } from './edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

const IMMUTABLE = 'public, max-age=31536000, immutable';
const tiny = await tinyFolder(COLOUR);
let models: Models;
let app: ReturnType<typeof pocketgen>;
/** `tiny-colour@…` */
let pinned: string;

beforeAll(async () => {
  models = await openFolder(tiny.folder);
  app = pocketgen({ models });
  pinned = versionedName('tiny-colour', await bundleVersion((await modelOf(models, 'tiny-colour')).manifest));
});
afterAll(tiny.remove);

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

/** Every route that draws; NAME stands for the model. */
const DRAWN = [
  '/v1/images/NAME/ada%40example.com.png?class=bag&scale=2',
  '/v1/images/NAME/a%2Fb.svg',
  '/v1/images/NAME/7.json?truncation=0.5',
  '/v1/latents/NAME.png?z=AAAAAAAAAAAAAA&class=bag&scale=2',
  '/v1/latents/NAME.svg?z=AAAAAAAAAAAAAA&classes=0*0.25,2*0.75',
  '/v1/grids/NAME.png?seeds=1-4,ada&columns=2',
  '/v1/walks/NAME.gif?from=1&to=ada&frames=3',
  '/v1/walks/NAME.apng?from=1&to=2&frames=2&class=bag',
];

describe.each(DRAWN)('%s', (path) => {
  const at = (name: string) => path.replace('NAME', name);

  test('of a version is kept for ever; of the model alone for a minute, with the address of the version', async () => {
    const [ever, now] = [await app.request(at(pinned)), await app.request(at('tiny-colour'))];
    expect([ever.status, now.status]).toEqual([200, 200]);
    expect(ever.headers.get('Cache-Control')).toBe(IMMUTABLE);
    expect(ever.headers.get('Content-Location')).toBeNull();
    expect(now.headers.get('Cache-Control')).toBe('public, max-age=60');
    expect(now.headers.get('Content-Location')).toBe(at(pinned));
    expect(now.headers.get('ETag')).toBe(ever.headers.get('ETag'));
    expect(await bytesOf(now)).toEqual(await bytesOf(ever));
  });

  test('is asked again by its ETag without being drawn, by either address', async () => {
    const etag = (await app.request(at(pinned))).headers.get('ETag') ?? '';
    for (const [name, life] of [
      [pinned, IMMUTABLE],
      ['tiny-colour', 'public, max-age=60'],
    ] as const)
      for (const [init, status] of [
        [{ headers: { 'If-None-Match': etag } }, 304],
        [{ method: 'HEAD' }, 200],
      ] as const) {
        const { status: got, headers } = await app.request(at(name), init);
        const location = name === pinned ? null : at(pinned);
        expect([got, headers.get('ETag'), headers.get('Cache-Control'), headers.get('Content-Location')]).toEqual([
          status,
          etag,
          life,
          location,
        ]);
        expect(headers.get('Server-Timing')).toBeNull();
      }
  });

  test('of a version that is not kept is a 404 that names the current one and is not kept', async () => {
    for (const version of ['0123456789ab', '', 'latest', `${pinned.split('@')[1]}0`, 'a@b']) {
      const response = await app.request(at(`tiny-colour@${version}`));
      expect([response.status, response.headers.get('Cache-Control')]).toEqual([404, 'no-store']);
      expect(((await response.json()) as { detail: string }).detail).toBe(
        `model: expected ${pinned}, the version there is, or tiny-colour for whichever is current, got tiny-colour@${version}`,
      );
    }
    const nobody = await app.request(at(`nobody@${pinned.split('@')[1]}`));
    expect(nobody.status).toBe(404);
    expect(await nobody.text()).toContain('expected one of tiny-colour, got nobody@');
  });
});

test('two models of one network share the tags of their pictures, not those of what is told of them', async () => {
  const twins = await tinyFolder(COLOUR, { ...COLOUR, name: 'twin' });
  const both = pocketgen({ models: await openFolder(twins.folder) });
  const tagsOf = (extension: string) =>
    Promise.all(
      ['tiny-colour', 'twin'].map(async (name) =>
        (await both.request(`/v1/images/${name}/7.${extension}`)).headers.get('ETag'),
      ),
    );
  expect(new Set(await tagsOf('png')).size).toBe(1);
  expect(new Set(await tagsOf('json')).size).toBe(2);
  twins.remove();
});

test('an @ may be percent-encoded, and names may be too', async () => {
  const path = `/v1/images/${pinned.replace('@', '%40').replace('t', '%74')}/1.png`;
  const response = await app.request(path);
  expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, IMMUTABLE]);
});

test('what the API tells of a model names its version', async () => {
  const [, version] = pinned.split('@');
  const address = `http://localhost/v1/images/${pinned}/{seed}.png`;
  const json = async (path: string) => (await app.request(path)).json();
  expect(await json('/v1/models')).toMatchObject({ data: [{ id: 'tiny-colour', version, pictures: address }] });
  for (const name of ['tiny-colour', pinned])
    expect(await json(`/v1/models/${name}`)).toMatchObject({
      id: 'tiny-colour',
      version,
      manifest: { name: 'tiny-colour' },
    });
  expect((await app.request('/v1/models/tiny-colour@0123456789ab')).status).toBe(404);
  expect(await json('/healthz')).toMatchObject({ models: [{ name: 'tiny-colour', version, open: true }] });
  expect(await json(`/v1/images/tiny-colour/1.json`)).toMatchObject({ model: 'tiny-colour', version });
  const { paths } = (await json('/openapi.json')) as {
    paths: Record<string, { get: { parameters: { name: string; schema: object }[]; responses: object } }>;
  };
  const image = paths['/v1/images/{model}/{seed}.png']?.get;
  expect(image?.parameters[0]).toMatchObject({ name: 'model', schema: { enum: ['tiny-colour', pinned] } });
  expect(image?.responses).toMatchObject({ 200: { headers: { 'Content-Location': {}, 'Cache-Control': {} } } });
  const page = await (await app.request('/docs')).text();
  const sources = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, source = '']) => source);
  expect(sources).toHaveLength(6);
  for (const source of sources) {
    const { href } = new URL(source, 'http://localhost/docs');
    expect((await app.request(href)).headers.get('Cache-Control')).toBe(IMMUTABLE);
  }
  expect(page).toContain(`http://localhost/v1/grids/${pinned}.png`);
});

test('a model trained again under its name never shows the pictures of before, in a folder that is watched', async () => {
  const folder = await tinyFolder(COLOUR);
  const engine = wasmEngine();
  const library = await openLibrary({
    folder: folder.folder,
    open: (source) => openWhole(source, engine, Number.POSITIVE_INFINITY),
    notice: (line) => expect.fail(line),
  });
  const server = pocketgen({ models: library, files: library });
  const nameNow = async () => {
    const [{ version = '' } = {}] = (await (await server.request('/models/index.json')).json()) as [
      { version: string },
    ];
    return versionedName('tiny-colour', version);
  };
  const [before, old] = [await nameNow(), await server.request('/v1/images/tiny-colour/1.png')];
  const etag = old.headers.get('ETag') ?? '';
  expect(old.headers.get('Content-Location')).toBe(`/v1/images/${before}/1.png`);

  const other = await tinyFolder({ ...COLOUR, latent: COLOUR.latent + 1 });
  replaceFolder(join(folder.folder, 'tiny-colour'), (to) =>
    cpSync(join(other.folder, 'tiny-colour'), to, { recursive: true }),
  );
  await library.look();
  await library.look();
  const after = await nameNow();
  expect(after).not.toBe(before);
  // The model's address: a cache that asks again is given the new pictures, and told so by tag and address.
  const fresh = await server.request('/v1/images/tiny-colour/1.png', { headers: { 'If-None-Match': etag } });
  expect([fresh.status, fresh.headers.get('Content-Location')]).toEqual([200, `/v1/images/${after}/1.png`]);
  expect(fresh.headers.get('ETag')).not.toBe(etag);
  const drawn = await bytesOf(fresh);
  expect(drawn).not.toEqual(await bytesOf(old));
  expect(await bytesOf(await server.request(`/v1/images/${after}/1.png`))).toEqual(drawn);
  // The version's address means the old pictures or nothing, whatever a cache holds.
  for (const init of [{}, { headers: { 'If-None-Match': etag } }, { method: 'HEAD' }])
    expect((await server.request(`/v1/images/${before}/1.png`, init)).status).toBe(404);
  expect(await (await server.request(`/v1/grids/${before}.png?seeds=1-4`)).text()).toContain(`expected ${after}, `);
  library.close();
  other.remove();
  folder.remove();
});

test('a model in training is asked again each time; its versions are kept for ever', async () => {
  const training: Models = {
    ...models,
    lend: (name, version, work) =>
      models.lend(name, version, (loan) => work({ ...loan, entry: { ...loan.entry, changes: true } })),
  };
  const server = pocketgen({ models: training });
  const lifeOf = async (name: string) =>
    (await server.request(`/v1/images/${name}/1.png`)).headers.get('Cache-Control');
  expect([await lifeOf('tiny-colour'), await lifeOf(pinned)]).toEqual(['public, no-cache', IMMUTABLE]);
});

test('where there are very many models, errors and documents do not list them all', async () => {
  const [entry] = await models.list();
  if (entry === undefined) throw new Error('no model');
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...entry, name: `model-${i}` }));
  const server = pocketgen({ models: { ...models, list: async () => many } });
  const { detail } = (await (await server.request('/v1/images/nobody/1.png')).json()) as { detail: string };
  expect(detail).toMatch(/^model: expected one of model-0, .*, model-19 and 980 more, see \/v1\/models, got nobody$/);
  const page = await (await server.request('/docs')).text();
  expect(page.match(/<img /g)).toHaveLength(72);
  expect((await (await server.request('/openapi.json')).text()).includes('model-999')).toBe(false);
});

test('an answer that is only looked up opens no model', async () => {
  let opened = 0;
  const closed: Models = {
    ...models,
    lend: (name, version, work) =>
      models.lend(name, version, (loan) =>
        work({
          ...loan,
          open: () => {
            opened += 1;
            return loan.open();
          },
        }),
      ),
  };
  const server = pocketgen({ models: closed });
  const path = `/v1/images/${pinned}/1.png`;
  const head = await server.request(path, { method: 'HEAD' });
  const revalidated = { headers: { 'If-None-Match': head.headers.get('ETag') ?? '' } };
  expect((await server.request(path, revalidated)).status).toBe(304);
  for (const other of ['/healthz', '/v1/models', '/v1/models/tiny-colour', '/openapi.json', '/docs'])
    expect((await server.request(other)).status).toBe(200);
  const body = JSON.stringify({ prompt: 'bag' });
  const headers = { 'Content-Type': 'application/json' };
  expect((await server.request('/v1/images/generations', { method: 'POST', headers, body })).status).toBe(200);
  expect(opened).toBe(0);
  await server.request(path);
  expect(opened).toBe(1);
});

test('a store whose model cannot be opened answers 503 with the reason, and the next request tries again', async () => {
  let tries = 0;
  const broken: Models = {
    ...models,
    lend: (name, version, work) =>
      models.lend(name, version, (loan) =>
        work({
          ...loan,
          open: async () => {
            tries += 1;
            if (tries === 1) throw new UserError('generator.fp32.onnx: expected 5 bytes, got 3');
            return loan.open();
          },
        }),
      ),
  };
  const server = pocketgen({ models: broken });
  const first = await server.request(`/v1/images/${pinned}/1.png`);
  expect([first.status, first.headers.get('Cache-Control')]).toEqual([503, 'no-store']);
  expect(await first.text()).toContain('model tiny-colour is not served: generator.fp32.onnx: expected 5 bytes, got 3');
  expect((await server.request(`/v1/images/${pinned}/1.png`)).status).toBe(200);
});
