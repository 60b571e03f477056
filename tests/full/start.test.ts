// `pocketgen start` on own pictures, as typed in a folder of the user's own: the page's API while it trains, Ctrl-C, the same
// command again, to the end and beyond.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { buildPage, PAGE } from '../../cli/page.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { parseModelList } from '../../contract/model-list.ts';
import { parseTraining, type Training } from '../../contract/training.ts';
import { lockRun } from '../../train/store/run-lock.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A folder of the user's, whose name no address can have as it is. */
const PICTURES = '我的照片';
const NAME = 'wo-de-zhao-pian';

let folder: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  await buildPage(() => {});
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-start-'));
  for (const [label, colour] of [
    ['red', '#c33'],
    ['blue', '#33c'],
  ] as const) {
    mkdirSync(join(folder, PICTURES, label), { recursive: true });
    for (let i = 0; i < 40; i++) {
      const [x, y, r] = [4 + (i % 8), 4 + (i % 5), 2 + (i % 4)];
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="16" height="16" fill="#eee"/><circle cx="${x}" cy="${y}" r="${r}" fill="${colour}" opacity="${1 - i / 80}"/></svg>`;
      writeFileSync(join(folder, PICTURES, label, `${i}.png`), await sharp(Buffer.from(svg)).png().toBuffer());
    }
  }
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Started {
  child: ChildProcess;
  /** Standard error so far. */
  said(): string;
  /** The address, once it is printed. */
  url(line: RegExp): Promise<string>;
  ended: Promise<number | null>;
}

const start = (...args: string[]): Started => pocketgen('start', '--data', PICTURES, '--size', '16', ...args);

function pocketgen(...args: string[]): Started {
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'bin/pocketgen.mjs'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  child.stderr?.on('data', (part) => {
    text += part;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said = () => text;
  const url = async (line: RegExp) => {
    await expect.poll(said, { timeout: 90_000, interval: 100 }).toMatch(line);
    return line.exec(text)?.[1] ?? '';
  };
  return { child, said, url, ended };
}

const json = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;
const trainingAt = async (url: string): Promise<Training> => parseTraining(await json(`${url}/v1/training/${NAME}`));
const pictureAt = async (url: string): Promise<string> => {
  const response = await fetch(`${url}/v1/images/${NAME}/1.png`);
  expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'public, no-cache']);
  return sha256Hex(new Uint8Array(await response.arrayBuffer()));
};

test('the page has pictures while it trains, better ones after; Ctrl-C keeps them and the same command goes on', async () => {
  const first = start('--port', '0');
  const url = await first.url(/the page shows it while it trains: (http:\/\/\S+)\/#model=wo-de-zhao-pian/);
  expect(first.said()).toMatch(
    /80 pictures, 16x16 colour: [\d,]+ images\/s here; first shapes after about .*, good after about .*\ntraining [\d,]+ images/,
  );
  // It is there before there are pictures.
  expect(parseModelList(await json(`${url}/models/index.json`))[0]).toMatchObject({ name: NAME, training: true });

  const snapshots = new Map<string, string>();
  await expect
    .poll(
      async () => {
        const { snapshot } = await trainingAt(url);
        if (snapshot !== undefined && !snapshots.has(snapshot.sha256)) {
          snapshots.set(snapshot.sha256, await pictureAt(url));
          const manifest = await (await fetch(`${url}/models/${NAME}/model.json`)).text();
          expect(await sha256Hex(new TextEncoder().encode(manifest))).toBe(snapshot.sha256);
          const [file] = parseManifest(JSON.parse(manifest)).files;
          expect((await fetch(`${url}/models/${NAME}/${file?.path}`)).status).toBe(200);
        }
        return snapshots.size;
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBeGreaterThanOrEqual(2);
  expect(new Set(snapshots.values()).size).toBe(snapshots.size); // other pictures each time

  first.child.kill('SIGINT');
  expect(await first.ended).toBe(130);
  expect(first.said()).toMatch(/stopped after \d+ of \d+ images, saved; run the same command again to go on/);
  expect(first.said()).not.toMatch(/warning|Warning| {4}at /);
  await expect(fetch(url)).rejects.toThrow(); // the server is gone with its command
  const left = parseTraining(JSON.parse(readFileSync(join(folder, 'models', NAME, 'training.json'), 'utf8')));
  expect(left.state).toBe('stopped');

  const again = start('--port', '0');
  const where = await again.url(/the page shows it while it trains: (http:\/\/\S+)\/#/);
  await pictureAt(where); // what was there is served at once
  await again.url(/(continuing) runs\/wo-de-zhao-pian after \d+ of \d+ images/);
  again.child.kill('SIGINT');
  expect(await again.ended).toBe(130);
});

test('a training that ends is served with all variants; a second start serves at once; more images go on', async () => {
  const args = ['--name', 'dots', '--images', '320', '--port', '0'];
  const first = start(...args);
  const url = await first.url(/serving (http:\/\/\S+) {2}\(a picture: \S+\/v1\/images\/dots\/1\.png/);
  const { files } = parseManifest(await json(`${url}/models/dots/model.json`));
  expect(files.map(({ path }) => path)).toEqual(['fp16', 'fp32', 'int8'].map((variant) => `generator.${variant}.onnx`));
  expect((await json<Training>(`${url}/v1/training/dots`)).state).toBe('finished');
  expect((await fetch(`${url}/v1/images/dots/1.png`)).status).toBe(200);
  expect(await (await fetch(url)).text()).toContain('<title>');
  expect(first.said()).toMatch(/verified int8 on wasm: 4 goldens, largest difference 0 of 255 levels/);
  expect(first.said()).toMatch(/for better pictures, the same command with --images \d+ goes on from here/);
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(0);

  const again = start(...args);
  await again.url(/(serving) http/);
  expect(again.said()).toContain('models/dots: made from these pictures with these options (320 images)');
  expect(again.said()).not.toContain('timing');
  again.child.kill('SIGTERM');
  expect(await again.ended).toBe(0);

  const longer = start('--name', 'dots', '--images', '640', '--no-serve');
  expect(await longer.ended).toBe(0);
  expect(longer.said()).toContain('continuing runs/dots after 320 of 640 images');
  const other = start('--name', 'dots', '--images', '320', '--grey', '--no-serve');
  expect(await other.ended).toBe(1);
  expect(other.said()).toMatch(
    /\nname: expected one of its own, got dots: runs\/dots has another training \(.*choose another --name\n$/,
  );
});

test('a training whose minutes were over before its images goes on by the same command', async () => {
  const args = ['--name', 'brief', '--images', '1000000', '--minutes', '0.05', '--no-serve'];
  const first = start(...args);
  expect(await first.ended).toBe(0);
  const { images } = parseTraining(JSON.parse(readFileSync(join(folder, 'models/brief/training.json'), 'utf8')));
  const again = start(...args);
  expect(await again.ended).toBe(0);
  expect(again.said()).toContain(`continuing runs/brief after ${images} of 1000000 images`);
});

const filesOf = (bundle: string): Record<string, string> =>
  Object.fromEntries(readdirSync(bundle).map((name) => [name, readFileSync(join(bundle, name), 'base64')]));

test('a bundle stays as it is where its run is gone, or another process trains there', async () => {
  const args = ['--name', 'few', '--no-serve'];
  const [bundle, run] = ['models/few', 'runs/few'].map((path) => join(folder, path)) as [string, string];
  expect(await start(...args, '--images', '64').ended).toBe(0);
  const made = filesOf(bundle);

  const unlock = lockRun(run);
  const locked = start(...args, '--images', '640');
  expect(await locked.ended).toBe(1);
  unlock();
  expect(locked.said()).toMatch(/\nrun runs\/few: expected nobody else to train here, .*\n$/);
  expect(filesOf(bundle)).toEqual(made);

  renameSync(run, `${run}-away`);
  const gone = start(...args, '--images', '100000');
  expect(await gone.ended).toBe(1);
  expect(gone.said()).toMatch(
    /\nimages: expected runs\/few to go on from, after the 64 images of models\/few or more, got none .*; put that run back, .*\n$/,
  );
  expect(filesOf(bundle)).toEqual(made);
});

test('a bundle that was exported by hand is served as it is, until minutes are asked for', async () => {
  const train = ['--data', PICTURES, '--size', '16', '--images', '64', '--out', 'runs/kept'];
  expect(await pocketgen('train', ...train).ended).toBe(0);
  const given = ['--dtype', 'fp32', '--title', 'Few dots', '--trainer'];
  expect(await pocketgen('export', 'runs/kept', '--out', 'models/kept', ...given).ended).toBe(0);
  const bundle = join(folder, 'models/kept');
  const exported = filesOf(bundle);
  const again = start('--name', 'kept', '--no-serve');
  expect(await again.ended).toBe(0);
  expect(again.said()).toContain('models/kept: made from these pictures with these options (64 images)\n');
  expect(filesOf(bundle)).toEqual(exported);

  // The plan is reached.
  const longer = start('--name', 'kept', '--no-serve', '--minutes', '0.02');
  expect(await longer.ended).toBe(0);
  expect(longer.said()).toMatch(/\ntraining on from 64 to [\d,]+ images, about a minute; /);
  const { state, images } = parseTraining(JSON.parse(readFileSync(join(bundle, 'training.json'), 'utf8')));
  expect(state).toBe('finished');
  expect(images).toBeGreaterThan(64);
});

test('the page is built once, and not from the models of the folder the command runs in', async () => {
  const built = () => readFileSync(join(PAGE, 'models/index.json'), 'utf8');
  expect(built()).not.toContain(NAME);
  utimesSync(join(PAGE, 'sw.js'), new Date(0), new Date(0)); // as after a change of web/
  const say: string[] = [];
  await buildPage((message) => say.push(message));
  // What else is built beside its sources is none of them.
  const client = join(ROOT, 'client/dist');
  mkdirSync(client, { recursive: true });
  const beside = mkdtempSync(join(client, 'built-'));
  await buildPage((message) => say.push(message));
  rmdirSync(beside);
  expect(say).toEqual(['building the page …']);
  expect(built()).not.toContain(NAME);
});

test('what it will need is looked at before it works: the port, the folders', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, 'localhost', () => resolve((taken.address() as { port: number }).port));
  });
  const busy = start('--name', 'busy', '--port', String(port));
  expect(await busy.ended).toBe(1);
  taken.close();
  expect(busy.said()).toBe(`port: expected a free one, got ${port} which is in use; choose another with --port\n`);
  expect(existsSync(join(folder, 'models/busy'))).toBe(false);

  writeFileSync(join(folder, 'file'), '');
  const blocked = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'bin/pocketgen.mjs'), 'start'], {
    cwd: '/proc',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  for await (const part of blocked.stderr) said += part;
  expect(said).toMatch(
    /^\S*models: expected to mkdir it, got "no such file or directory" \(ENOENT\); check the path, .*\n$/,
  );
});
