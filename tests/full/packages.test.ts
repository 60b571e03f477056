// The packages as people install them, each in an empty folder, on the oldest Node they promise and on the one of this
// checkout; POCKETGEN_NODES=20,22,24 (npm run test:packages) names others.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePng } from '../../contract/png.ts';
import { launchBrowser } from '../browser.ts';
import { serveFolder } from '../helpers/bundle-host.ts';
import { installed, mebibytes, packed, ran } from '../helpers/installed.ts';

const SHIPPED = resolve('models/fashion-gan');
const COMMAND = 'node_modules/pocketgen/bin/pocketgen.mjs';
const versions = process.env.POCKETGEN_NODES?.split(',') ?? ['20', 'this'];

/** Packing compiles and may build the page; a trainer's packages are 777 MiB to unpack. */
const INSTALLING_MS = 600_000;

let folder: string;
let command: ReturnType<typeof packed>['command'];
let client: ReturnType<typeof packed>['client'];
/** Folders with the command as a server and as a trainer have it, and with what a page needs. */
let server: string;
let trainer: string;
let page: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-packages-'));
  ({ command, client } = packed(folder));
  server = installed(join(folder, 'server'), [command.tarball], ['--omit=optional']);
  trainer = installed(join(folder, 'trainer'), [command.tarball]);
  page = installed(join(folder, 'page'), [client.tarball]);
}, INSTALLING_MS);
afterAll(() => rmSync(folder, { recursive: true }));

/** The Node of a major version, from npm's package of that name. */
function nodeOf(version: string): string {
  if (version === 'this') return process.execPath;
  const home = installed(join(folder, `node-${version}`), [`node@${version}`]);
  return join(home, 'node_modules/node/bin/node');
}

/** Twelve pictures in each of two classes. */
function writePictures(into: string): void {
  for (const [at, name] of ['stripes', 'dots'].entries()) {
    mkdirSync(join(into, name), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, k) => (k * (at === 0 ? 7 : 31) + i * i * 5) % 256);
      writeFileSync(join(into, name, `${i}.png`), encodePng({ width: 16, height: 16, channels: 3, data }));
    }
  }
}

/** The page and a picture of the shipped model, from a server that is started and stopped for them. */
async function servedPicture(node: string, cwd: string): Promise<{ html: string; picture: Uint8Array }> {
  const child = spawn(node, [COMMAND, 'serve', '--models', SHIPPED, '--port', '0'], { cwd });
  try {
    const url = await new Promise<string>((listening, failed) => {
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
        const found = /serving (http:\S+)/.exec(said)?.[1];
        if (found !== undefined) listening(found);
      });
      child.once('exit', (code) => failed(new Error(`serve: exit code ${code}\n${said}`)));
    });
    const picture = await fetch(`${url}/v1/images/fashion-gan/7.png?class=sneaker`);
    return { html: await (await fetch(url)).text(), picture: new Uint8Array(await picture.arrayBuffer()) };
  } finally {
    child.kill();
  }
}

test('the command’s package holds JavaScript, the page and what modules read, no source and no model', () => {
  const { files } = command;
  for (const name of [
    'bin/pocketgen.mjs',
    'dist/lib/cli/main.js',
    'dist/lib/train/data/fashion-mnist/t10k-images-idx3-ubyte.gz',
    'dist/lib/train/eval/judges/fashion-mnist.onnx',
    'dist/web/index.html',
    'dist/web/sw.js',
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
  ])
    expect(files).toContain(name);
  expect(files.filter((path) => /(?<!\.d)\.ts$|^dist\/web\/models|^tests|^node_modules/.test(path))).toEqual([]);
});

test('publint and “are the types wrong” find nothing', () => {
  const bin = (name: string): string => resolve('node_modules/.bin', name);
  for (const { tarball } of [command, client]) {
    expect(ran(bin('publint'), ['run', tarball, '--strict'], folder).stdout).toContain('All good!');
    ran(bin('attw'), [tarball, '--profile', 'esm-only', '--quiet'], folder); // throws with its table where one is wrong
  }
});

/** Type-checks a module in a folder that packages were installed into, with the packages' own declarations unless told to skip them. */
function typeChecked(home: string, source: string, resolution: 'nodenext' | 'bundler', skipLibCheck = false): void {
  writeFileSync(join(home, 'use.ts'), source);
  const modules = resolution === 'bundler' ? 'esnext' : 'nodenext';
  const strict = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--skipLibCheck',
    `${skipLibCheck}`,
    '--types',
    '',
  ];
  const options = [...strict, '--target', 'es2022', '--module', modules, '--moduleResolution', resolution];
  ran(process.execPath, [resolve('node_modules/typescript/bin/tsc'), ...options, 'use.ts'], home);
}

const mounted = `import { Hono } from 'hono';
import { pocketgen } from 'pocketgen/edge';
import { folderModels } from 'pocketgen/edge/node';

const models = await folderModels(SHIPPED);
const app = new Hono().route('/art', pocketgen({ models }));
const answer = await app.request('http://example.com/art/v1/images/fashion-gan/7.png?class=sneaker');
console.log(answer.status, answer.headers.get('content-type'));
models.close();
`.replace('SHIPPED', JSON.stringify(SHIPPED));

const traced = `import * as tf from '@tensorflow/tfjs';
import { trace } from 'pocketgen/trace';

const model = await trace(({ x }) => ({ y: tf.softmax(tf.mul(x, 2)) }), { x: ['batch', 3] });
console.log(model.encode().length > 100);
`;

const drawn = `import { open } from '@pocketgen/client';

const model = await open(SHIPPED);
const picture = await model.draw({ seed: 7, class: 'sneaker' });
const { size, type } = await picture.toBlob();
console.log(type, size > 100, [...picture.data].join());
await model.dispose();
`.replace('SHIPPED', JSON.stringify(`${pathToFileURL(SHIPPED)}/`));

test.each(['nodenext', 'bundler'] as const)('the entries have types under strict %s resolution', (resolution) => {
  typeChecked(server, mounted, resolution);
  typeChecked(page, drawn, resolution);
  typeChecked(trainer, traced, resolution, true); // tfjs's own declarations have errors
});

test('a page’s node_modules are at most 40 MiB, a server’s 250, a trainer’s 900', () => {
  const size = (home: string): number => Math.round(mebibytes(join(home, 'node_modules')));
  console.log(
    `packages: node_modules, MiB: a page ${size(page)}, a server ${size(server)}, a trainer ${size(trainer)}`,
  );
  expect(size(page)).toBeLessThanOrEqual(40);
  expect(size(server)).toBeLessThanOrEqual(250);
  expect(size(trainer)).toBeLessThanOrEqual(900);
  // Nothing for servers or for training: the client alone.
  expect(readdirSync(join(page, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['@pocketgen']);
});

test('the client’s code is at most 20 kB to import, 60 kB with all that it may load later', () => {
  // Throws with its table where a limit of .size-limit.js is passed.
  console.log(ran(process.execPath, ['node_modules/.bin/size-limit'], resolve('.')).stdout.trim());
});

test('the example of a plain page draws in Chromium, from the packages as they are installed', async () => {
  cpSync('examples/html/index.html', join(page, 'index.html'));
  symlinkSync(SHIPPED.replace(/[^/\\]+$/, ''), join(page, 'models'));
  const host = await serveFolder(page);
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage();
    await tab.goto(`${host.url}index.html`);
    await tab.waitForFunction(() => document.querySelector('pocket-picture')?.drawnBy === 'device');
    const said = tab.waitForEvent('console', (message) => message.text().startsWith('image/png'));
    const content = drawn.replace(/open\(.*\)/, "open('/models/fashion-gan/', { device: 'wasm' })");
    await tab.addScriptTag({ type: 'module', content });
    const text = (await said).text();
    const sample = [COMMAND, 'sample', SHIPPED, '--seed', '7', '--class', 'sneaker', '--out', 'same.png'];
    ran(process.execPath, sample, server);
    expect(text).toBe(`image/png true ${[...decode(readFileSync(join(server, 'same.png'))).data].join()}`);
  } finally {
    await browser.close();
    await host.close();
  }
});

test('a server’s installation publishes', () => {
  const run = (...args: string[]): string => ran(process.execPath, [COMMAND, ...args, '--to', 'store'], server).stdout;
  expect(run('publish', SHIPPED)).toMatch(/^fashion-gan@[0-9a-f]{12}: published/);
  expect(run('list')).toContain('current');
});

describe.each(versions)('on Node %s', (version) => {
  let node: string;
  beforeAll(() => {
    node = nodeOf(version);
  });

  test('a server’s installation draws, serves and verifies the shipped model, a page’s draws the same', async () => {
    const run = (...args: string[]) => ran(node, [COMMAND, ...args], server);
    expect(run('--help').stdout).toMatch(/^Usage: pocketgen/);
    expect(run('--version').stdout).toBe(`${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
    expect(run('verify', SHIPPED).stdout.match(/ on wasm: \d+ goldens, largest difference 0 /g)).toHaveLength(3);
    expect(run('dataset', 'info', 'fashion-mnist', '--offline').stdout).toMatch(/Ankle boot/);
    run('sample', SHIPPED, '--seed', '7', '--class', 'sneaker', '--out', 'sneaker.png');

    const { html, picture } = await servedPicture(node, server);
    expect(decode(picture).data).toEqual(decode(readFileSync(join(server, 'sneaker.png'))).data);
    expect(html).toContain('<title>');

    writeFileSync(join(server, 'mounted.mjs'), mounted);
    expect(ran(node, ['mounted.mjs'], server).stdout).toBe('200 image/png\n');

    writeFileSync(join(page, 'drawn.mjs'), drawn);
    expect(ran(node, ['drawn.mjs'], page).stdout).toBe(`image/png true ${[...decode(picture).data].join()}\n`);
  });

  test('a trainer’s installation trains, exports, verifies and traces', () => {
    const run = (...args: string[]) => ran(node, [COMMAND, ...args], trainer);
    const names = { pictures: 'pictures', run: `run-${version}`, bundle: `models/tiny-${version}` };
    writePictures(join(trainer, names.pictures));
    const options = ['--size', '16', '--width', '8', '--batch', '8', '--images', '32', '--evaluations', '0'];
    run('train', '--data', names.pictures, '--out', names.run, '--engine', 'onnx', ...options);
    run('export', names.run, '--out', names.bundle);
    expect(run('verify', names.bundle).stdout.match(/ on (wasm|cpu): \d+ goldens/g)).toHaveLength(4);

    writeFileSync(join(trainer, 'traced.mjs'), traced);
    expect(ran(node, ['traced.mjs'], trainer).stdout).toContain('true\n');
  });
});
