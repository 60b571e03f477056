// Pictures sent to real workerd and to `pocketgen serve`: the same latents and pictures from both and from the command line, and
// hostile bodies (200, or HOSTILE_COUNT) refused without a 5xx and without growing.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { heldHeapMiB } from '../../bench/edge-heap.ts';
import { folderOf, type ServerProcess } from '../../bench/edge-server.ts';
import type { LatentFile } from '../../contract/latent-file.ts';
import { SEEN, SEEN_CLEAR, writeTiny } from '../fast/edge-fixture.ts';
import { addCompleter } from '../helpers/completes.ts';
import { hostilePictures } from '../helpers/hostile-pictures.ts';
import { type MeasuredPair, startMeasured } from './edge-measured.ts';

const COUNT = Number(process.env.HOSTILE_COUNT ?? '200');
const SEED = Number(process.env.HOSTILE_SEED ?? '13');
const models = folderOf();
for (const tiny of [SEEN, SEEN_CLEAR]) {
  await writeTiny(models.folder, tiny);
  await addCompleter(join(models.folder, tiny.name));
}
const scratch = mkdtempSync(join(tmpdir(), 'pocketgen-encode-'));
let pair: MeasuredPair | undefined;
let servers: ServerProcess[] = [];

beforeAll(async () => {
  pair = await startMeasured(models.folder);
  servers = pair.servers;
});
afterAll(async () => {
  await pair?.stop();
  models.remove();
  rmSync(scratch, { recursive: true });
});

const picture = () => sharp('docs/screenshots/phone-mix.png').resize(700, 500).removeAlpha();
const run = (...args: string[]) => promisify(execFile)('node_modules/.bin/node', ['cli/main.ts', ...args]);
const post = (server: ServerProcess, path: string, body: Uint8Array<ArrayBuffer>) =>
  fetch(`${server.url}/v1/encode/${path}`, { method: 'POST', body });

test.each([
  ['png', 'tiny-seen', 'bag'],
  ['jpeg', 'tiny-seen', 'bag'],
  ['webp', 'tiny-seen-clear', undefined],
] as const)('workerd, Node and the command line make the same of a %s', async (format, model, label) => {
  const file = join(scratch, `picture.${format}`);
  writeFileSync(file, await picture().withMetadata({ orientation: 6 }).toFormat(format).toBuffer());
  const bytes = new Uint8Array(readFileSync(file));
  const bundle = join(models.folder, model);
  const choice = label === undefined ? [] : ['--class', label];
  const out = join(scratch, `${format}.json`);
  await run('encode', bundle, file, ...choice, '-o', out);
  const written = JSON.parse(readFileSync(out, 'utf8')) as LatentFile;
  const png = join(scratch, `${format}.png`);
  await run('sample', bundle, '--latent', out, '--out', png);
  if (format === 'png') {
    const again = join(scratch, 'again.png');
    await run('reconstruct', bundle, file, ...choice, '-o', again);
    expect(readFileSync(again).equals(readFileSync(png))).toBe(true);
  }
  for (const server of servers) {
    const response = await post(server, `${model}${label === undefined ? '' : `?class=${label}`}`, bytes);
    const { picture: address, ...answer } = (await response.json()) as LatentFile & { picture: string };
    expect(answer).toEqual(written);
    const drawn = new Uint8Array(await (await fetch(address)).arrayBuffer());
    expect(drawn).toEqual(new Uint8Array(readFileSync(png)));
  }
});

const complete = (server: ServerProcess, path: string, files: Record<'picture' | 'mask', Uint8Array<ArrayBuffer>>) => {
  const body = new FormData();
  for (const [name, bytes] of Object.entries(files)) body.append(name, new Blob([bytes]), name);
  return fetch(`${server.url}/v1/complete/${path}`, { method: 'POST', body });
};

test.each(['tiny-seen', 'tiny-seen-clear'])(
  'workerd, Node and the command line complete a picture alike, and a hostile one in a form is refused (%s)',
  async (model) => {
    const [file, maskFile, out] = ['whole.png', 'mask.png', 'completed.png'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(file, await picture().png().toBuffer());
    const left = { create: { width: 350, height: 500, channels: 3, background: 'black' } } as const;
    writeFileSync(maskFile, await sharp(left).extend({ right: 350, background: 'white' }).png().toBuffer());
    const given = [join(models.folder, model), file, '--mask', maskFile, '--seed', 'ada'];
    await run('complete', ...given, '-o', out);
    const files = {
      picture: new Uint8Array(readFileSync(file)),
      mask: new Uint8Array(readFileSync(maskFile)),
    };
    const hostile = await hostilePictures(20, SEED);
    for (const server of servers) {
      const answer = await complete(server, `${model}?seed=ada`, files);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(readFileSync(out)));
      for (const [i, body] of hostile.entries()) {
        const one = { ...files, [i % 2 === 0 ? 'mask' : 'picture']: new Uint8Array(body) };
        const { status } = await complete(server, model, one);
        expect([i, [200, 400, 413].includes(status)]).toEqual([i, true]);
      }
    }
  },
);

test(`${COUNT} hostile bodies each: no 5xx, and neither server grows`, { timeout: 600_000 }, async () => {
  const bodies = await hostilePictures(COUNT, SEED);
  for (const server of servers) {
    const statuses = new Map<number, number>();
    const memory: object[] = [];
    const held: number[] = [];
    for (let at = 0; at < COUNT; at += 10) {
      if (at % Math.max(10, COUNT / 5) === 0 || at + 10 >= COUNT) {
        held.push(await heldHeapMiB(server.inspector ?? 0));
        memory.push({ sent: at, residentMiB: Math.round(server.residentMiB()), heldMiB: held.at(-1)?.toFixed(1) });
      }
      const some = bodies.slice(at, at + 10);
      const answers = await Promise.all(some.map((body) => post(server, 'tiny-seen?class=0', new Uint8Array(body))));
      for (const [i, answer] of answers.entries()) {
        const text = await answer.text();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        expect([at + i, text.slice(0, 200), answer.status < 500]).toEqual([at + i, text.slice(0, 200), true]);
        if (answer.status !== 200) expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
      }
    }
    console.log(server.name, `seed ${SEED}`, Object.fromEntries([...statuses].sort()), JSON.stringify(memory));
    for (const status of [200, 400, 415]) expect(statuses.get(status) ?? 0).toBeGreaterThan(COUNT / 100);
    expect((held.at(-1) ?? 0) - (held[1] ?? 0)).toBeLessThan(4);
  }
});
