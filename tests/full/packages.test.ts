// The packages as people install them, each in an empty folder, on the oldest Node they promise and on the one of this
// checkout; POCKETGEN_NODES=20,22,24 (npm run test:packages) names others.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePng } from '../../contract/png.ts';
import { installed, mebibytes, packed, ran } from '../helpers/installed.ts';

const SHIPPED = resolve('models/fashion-gan');
const COMMAND = 'node_modules/pocketgen/bin/pocketgen.mjs';
const versions = process.env.POCKETGEN_NODES?.split(',') ?? ['20', 'this'];

/** Packing compiles and may build the page; a trainer's packages are 777 MiB to unpack. */
const INSTALLING_MS = 600_000;

let folder: string;
let command: ReturnType<typeof packed>;
/** Folders with the command as a server and as a trainer have it. */
let server: string;
let trainer: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-packages-'));
  command = packed('.', folder);
  server = installed(join(folder, 'server'), [command.tarball], ['--omit=optional']);
  trainer = installed(join(folder, 'trainer'), [command.tarball]);
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
async function servedPicture(node: string, cwd: string): Promise<{ page: string; picture: Uint8Array }> {
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
    return { page: await (await fetch(url)).text(), picture: new Uint8Array(await picture.arrayBuffer()) };
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
  for (const { tarball } of [command]) {
    expect(ran(bin('publint'), ['run', tarball, '--strict'], folder).stdout).toContain('All good!');
    ran(bin('attw'), [tarball, '--profile', 'esm-only', '--quiet'], folder); // throws with its table where one is wrong
  }
});

/** Type-checks a module in a folder that packages were installed into, declarations of packages included. */
function typeChecked(home: string, source: string, resolution: 'nodenext' | 'bundler'): void {
  writeFileSync(join(home, 'use.ts'), source);
  const modules = resolution === 'bundler' ? 'esnext' : 'nodenext';
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false', '--types', ''];
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

test.each(['nodenext', 'bundler'] as const)('the entries have types under strict %s resolution', (resolution) => {
  typeChecked(server, mounted, resolution);
});

test('a server’s node_modules are at most 250 MiB, a trainer’s at most 900 MiB', () => {
  const size = (home: string): number => Math.round(mebibytes(join(home, 'node_modules')));
  console.log(`packages: node_modules: a server ${size(server)} MiB, a trainer ${size(trainer)} MiB`);
  expect(size(server)).toBeLessThanOrEqual(250);
  expect(size(trainer)).toBeLessThanOrEqual(900);
});

describe.each(versions)('on Node %s', (version) => {
  let node: string;
  beforeAll(() => {
    node = nodeOf(version);
  });

  test('a server’s installation draws, serves and verifies the shipped model', async () => {
    const run = (...args: string[]) => ran(node, [COMMAND, ...args], server);
    expect(run('--help').stdout).toMatch(/^Usage: pocketgen/);
    expect(run('--version').stdout).toBe(`${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
    expect(run('verify', SHIPPED).stdout.match(/ on wasm: \d+ goldens, largest difference 0 /g)).toHaveLength(3);
    expect(run('dataset', 'info', 'fashion-mnist', '--offline').stdout).toMatch(/Ankle boot/);
    run('sample', SHIPPED, '--seed', '7', '--class', 'sneaker', '--out', 'sneaker.png');

    const { page, picture } = await servedPicture(node, server);
    expect(decode(picture).data).toEqual(decode(readFileSync(join(server, 'sneaker.png'))).data);
    expect(page).toContain('<title>');

    writeFileSync(join(server, 'mounted.mjs'), mounted);
    expect(ran(node, ['mounted.mjs'], server).stdout).toBe('200 image/png\n');
  });

  test('a trainer’s installation trains, exports and verifies', () => {
    const run = (...args: string[]) => ran(node, [COMMAND, ...args], trainer);
    const names = { pictures: 'pictures', run: `run-${version}`, bundle: `models/tiny-${version}` };
    writePictures(join(trainer, names.pictures));
    const options = ['--size', '16', '--width', '8', '--batch', '8', '--images', '32', '--evaluations', '0'];
    run('train', '--data', names.pictures, '--out', names.run, '--engine', 'onnx', ...options);
    run('export', names.run, '--out', names.bundle);
    expect(run('verify', names.bundle).stdout.match(/ on (wasm|cpu): \d+ goldens/g)).toHaveLength(4);
  });
});
