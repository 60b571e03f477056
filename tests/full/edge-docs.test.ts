// The curl lines of docs/edge.md and the README, run against `pocketgen serve`, and the apps of docs/edge.md, run as they stand
// there in a folder of their own: in workerd and on Node.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServerProcess, startNodeServer } from '../../bench/edge-server.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { bundleVersion } from '../../contract/version.ts';
import { startConfig } from './edge-workerd.ts';

const lines = ['README.md', 'docs/edge.md'].flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => /`?(curl [^`]*http:\/\/localhost:8787\/[^`]*)/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => [file, line] as const),
);

const MODELS = process.env.POCKETGEN_MODELS ?? 'models';
const MODEL = 'fashion-gan';
let server: ServerProcess;
/** What VERSION stands for. */
let version: string;
/** What photo.jpg stands for. */
let photo: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  photo = new Uint8Array(
    await sharp(join(MODELS, MODEL, 'preview.png'))
      .jpeg()
      .toBuffer(),
  );
  version = await bundleVersion(parseManifest(JSON.parse(readFileSync(join(MODELS, MODEL, 'model.json'), 'utf8'))));
  server = await startNodeServer(MODELS);
});
afterAll(() => server?.stop());

/** The few options of curl that the documents use. */
function requestOf(line: string): { url: string; init: RequestInit } {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
  const headers: Record<string, string> = {};
  let body: string | Uint8Array<ArrayBuffer> | undefined;
  let method = 'GET';
  let url = '';
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-H') {
      const [name = '', value = ''] = (words.shift() ?? '').split(/:\s*/, 2);
      headers[name] = value;
    } else if (word === '-d') {
      [body, method] = [words.shift(), 'POST'];
    } else if (word === '--data-binary') {
      expect(words.shift()).toBe('@photo.jpg');
      [body, method] = [photo, 'POST'];
    } else if (word === '-I') method = 'HEAD';
    else if (word === '-o') words.shift();
    else if (word.startsWith('-')) throw new Error(`curl: expected -H, -d, --data-binary, -I or -o, got ${word}`);
    else url = word;
  }
  return { url, init: { method, headers, ...(body === undefined ? {} : { body }) } };
}

test('there are lines to run', () => {
  expect(lines.length).toBeGreaterThanOrEqual(8);
});

test.each(lines)('%s: %s', async (_file, line) => {
  const { url, init } = requestOf(line.replace('@VERSION', `@${version}`));
  const response = await fetch(url.replace('http://localhost:8787', server.url), init);
  expect([response.status, init.method === 'HEAD' ? 'none' : (await response.text()).slice(0, 200)]).toEqual([
    expect.toSatisfy((status: number) => status === 200 || (status === 304 && line.includes('If-None-Match'))),
    expect.any(String),
  ]);
});

/** The code block of docs/edge.md that begins with a comment of the file's name. */
function fileOf(name: string): string {
  const blocks = readFileSync('docs/edge.md', 'utf8').matchAll(/```(?:ts|toml)\n([\s\S]*?)```/g);
  const text = [...blocks]
    .map(([, block = '']) => block)
    .find((block) => /^(?:\/\/|#) (\S+)/.exec(block)?.[1] === name);
  if (text === undefined) throw new Error(`docs/edge.md: expected a code block of ${name}, got none`);
  return text;
}

describe('an app of your own', () => {
  // What somebody has who installed the packages: `pocketgen` by its entries, here of this repository's sources.
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-own-app-'));
  const packages = join(folder, 'node_modules');
  mkdirSync(join(packages, 'pocketgen'), { recursive: true });
  for (const name of readdirSync('node_modules').filter((name) => !name.startsWith('.') && name !== 'pocketgen'))
    symlinkSync(resolve('node_modules', name), join(packages, name));
  symlinkSync(resolve('.'), join(packages, 'pocketgen', 'here'));
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  const source = (path: string) => path.replace('./dist/lib/', './here/').replace(/\.js$/, '.ts');
  const entries = ['./edge', './edge/node'].map((entry) => [entry, source(exports[entry]?.default ?? 'none')]);
  const own = { name: 'pocketgen', type: 'module', exports: Object.fromEntries(entries) };
  writeFileSync(join(packages, 'pocketgen', 'package.json'), JSON.stringify(own));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  symlinkSync(resolve(MODELS), join(folder, 'models'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function checkApp(url: string): Promise<void> {
    expect(await (await fetch(url)).text()).toBe('a site of mine');
    const response = await fetch(`${url}/art/v1/images/${MODEL}/ada.png`);
    expect([response.status, response.headers.get('Content-Location')]).toEqual([
      200,
      `/art/v1/images/${MODEL}@${version}/ada.png`,
    ]);
    const direct = await fetch(`${server.url}/v1/images/${MODEL}/ada.png`);
    expect(await response.arrayBuffer()).toEqual(await direct.arrayBuffer());
    expect((await fetch(`${url}/v1/models`)).status).toBe(404);
  }

  test('on Workers', async () => {
    for (const name of ['worker.ts', 'wrangler.toml']) writeFileSync(join(folder, name), fileOf(name));
    const worker = await startConfig(join(folder, 'wrangler.toml'));
    try {
      await checkApp(worker.url);
    } finally {
      await worker.stop();
    }
  });

  test('on Node', async () => {
    const port = await new Promise<number>((done) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    writeFileSync(join(folder, 'server.ts'), fileOf('server.ts').replace('8080', String(port)));
    const child = spawn(resolve('node_modules/.bin/node'), ['server.ts'], { cwd: folder, stdio: 'inherit' });
    try {
      const url = `http://127.0.0.1:${port}`;
      await expect
        .poll(
          () =>
            fetch(url).then(
              ({ status }) => status,
              () => 0,
            ),
          { timeout: 30_000, interval: 100 },
        )
        .toBe(200);
      await checkApp(url);
      const list = (await (await fetch(`${url}/art/models/index.json`)).json()) as { name: string; version: string }[];
      expect(list.find(({ name }) => name === MODEL)?.version).toBe(version);
    } finally {
      child.kill();
    }
  });
});
