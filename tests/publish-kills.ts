// kill -9 at random moments of a publish, while readers poll: every one of them sees the bundle before or the one after, whole.
// A few rounds in full/publish-kill.test.ts, more by `node bench/publish-kill.ts`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listModels } from '../cli/publish/publish.ts';
import { openTarget } from '../cli/publish/target.ts';
import { goldenPixels, sha256Hex } from '../contract/bundle.ts';
import { generatorFile } from '../contract/lookup.ts';
import { parseManifest } from '../contract/manifest.ts';
import { decodePng } from '../contract/png.ts';
import { blobKey, manifestKey } from '../contract/published.ts';
import { bundleVersion } from '../contract/version.ts';
import { readContent } from '../edge/store/objects.ts';
import { writeBundle } from './web-bundles.ts';

const NAME = 'subject';
const CHILD = join(import.meta.dirname, 'kill-publish.ts');
const NODE = join(import.meta.dirname, '../node_modules/.bin/node');

export interface Kills {
  /** What the store's current version was after each kill. */
  before: number;
  after: number;
  /** Publishes that had ended before they were to be killed, and are not counted. */
  tooLate: number;
  /** Whole looks at the store, and pictures and files asked of the server. */
  looks: number;
  requests: number;
}

interface Generation {
  folder: string;
  version: string;
  title: string;
  /** SHA-256 of the network, of the preview, and of the pixels of the first golden. */
  network: string;
  preview: string;
  pixels: string;
}

async function generation(root: string, i: number): Promise<Generation> {
  const folder = join(root, String(i), NAME);
  const title = `${NAME} ${i}`;
  const { manifest } = await writeBundle(join(root, String(i)), {
    name: NAME,
    title,
    size: 64,
    channels: 3,
    version: i,
  });
  writeFileSync(join(folder, 'preview.png'), title);
  return {
    ...{ folder, title, version: await bundleVersion(manifest) },
    network: generatorFile(manifest).sha256,
    preview: await sha256Hex(new TextEncoder().encode(title)),
    pixels: await sha256Hex(goldenPixels(manifest.goldens[0] as never)),
  };
}

/** Milliseconds from `writing` to the end; `kill` after so many of them. Resolves with what it has said. */
async function publish(folder: string, to: string, kill?: number): Promise<{ said: string; writingMs: number }> {
  const child = spawn(NODE, [CHILD, folder, to], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env } });
  let said = '';
  let since = 0;
  child.stdout.on('data', (text) => {
    said += text;
    if (since !== 0 || !said.includes('writing')) return;
    since = performance.now();
    if (kill !== undefined) setTimeout(() => child.kill('SIGKILL'), kill);
  });
  await once(child, 'close');
  return { said, writingMs: performance.now() - since };
}

/**
 * `to`: an empty store, as `pocketgen publish --to` takes it (with the environment's PUBLISH_TOKEN); `server`: one that serves
 * it. Throws an Error as soon as anybody has seen what is neither the one bundle nor the other.
 */
export async function killPublishes(
  rounds: number,
  to: string,
  server: string,
  log = (_line: string) => {},
): Promise<Kills> {
  const root = mkdtempSync(join(tmpdir(), 'pocketgen-kills-'));
  const kills: Kills = { before: 0, after: 0, tooLate: 0, looks: 0, requests: 0 };
  const store = await openTarget(to);
  const made: Generation[] = [];
  const readers: Promise<void>[] = [];
  let running = true;

  const one = (title: string): Generation => {
    const found = made.find((each) => each.title === title);
    if (found === undefined) throw new Error(`reader: expected one of the published titles, got ${title}`);
    return found;
  };
  const same = (what: string, got: unknown, expected: unknown) => {
    if (got !== expected) throw new Error(`reader: expected ${what} ${expected}, got ${got}`);
  };

  /** Everything that the store says is current, file by file. */
  async function look(): Promise<number> {
    const [model] = await listModels(store);
    if (model === undefined) throw new Error('reader: expected a model, got none');
    const { version, title, network, preview } = one(model.title);
    same('version', model.current, version);
    const entry = model.versions.find((each) => each.version === version);
    if (entry === undefined) throw new Error('reader: expected an entry of the current version, got none');
    const manifest = parseManifest(
      JSON.parse(new TextDecoder().decode(await readContent(store, manifestKey(NAME, entry)))),
    );
    same('title', manifest.title, title);
    same('network', generatorFile(manifest).sha256, network);
    same('preview', entry.extras['preview.png'], preview);
    for (const sha256 of [network, preview]) await readContent(store, blobKey(sha256));
    kills.looks++;
    return made.indexOf(one(title));
  }

  /** A picture, and what a page asks for. */
  async function ask(): Promise<void> {
    const picture = await fetch(`${server}/v1/images/${NAME}/1.png?truncation=1`);
    // The Worker's rate limit counts as anybody's.
    if (picture.status === 429) return void (await new Promise((next) => setTimeout(next, 1000)));
    same('status', picture.status, 200);
    const { data } = decodePng(new Uint8Array(await picture.arrayBuffer()));
    const pixels = await sha256Hex(data);
    if (!made.some((each) => each.pixels === pixels)) throw new Error('reader: expected a golden, got other pixels');
    const manifest = parseManifest(await (await fetch(`${server}/models/${NAME}/model.json`)).json());
    const { version, network } = one(manifest.title);
    const file = await fetch(`${server}/models/${NAME}@${version}/${generatorFile(manifest).path}`);
    same('network', await sha256Hex(new Uint8Array(await file.arrayBuffer())), network);
    kills.requests += 3;
  }

  const poll = (read: () => Promise<unknown>) =>
    readers.push(
      (async () => {
        while (running) await read();
      })(),
    );

  try {
    made.push(await generation(root, 1));
    let { writingMs } = await publish(made[0]?.folder ?? '', to);
    let newest = 0;
    poll(async () => {
      const seen = await look();
      if (seen < newest) throw new Error(`reader: expected generation ${newest} or later, got ${seen}`);
      newest = seen;
    });
    // The server has looked at the store by then.
    while (!(await fetch(`${server}/v1/images/${NAME}/1.png`)).ok) await new Promise((next) => setTimeout(next, 100));
    poll(ask);
    while (kills.before + kills.after < rounds) {
      const [from, next] = [await look(), made.length];
      const fresh = await generation(root, next + 1);
      made.push(fresh);
      const after = Math.random() * writingMs;
      // A reader that has seen what it should not ends the round.
      const ended = await Promise.race([publish(fresh.folder, to, after), Promise.all(readers)]);
      const { said, writingMs: took } = 'said' in ended ? ended : { said: '', writingMs };
      if (said.includes('done')) writingMs = Math.min(writingMs, took);
      const now = await look();
      if (said.includes('done')) kills.tooLate++;
      else if (now === next) kills.after++;
      else if (now === from) kills.before++;
      else throw new Error(`store: expected generation ${from} or ${next}, got ${now}`);
      log(`killed ${after.toFixed(0)} ms after the first write: ${now === next ? 'the new one' : 'the one before'}`);
    }
    // Whatever was left lying about, the next one gets through.
    const last = await generation(root, made.length + 1);
    made.push(last);
    await publish(last.folder, to);
    same('generation', await look(), made.indexOf(last));
  } finally {
    running = false;
    await Promise.all(readers);
    rmSync(root, { recursive: true, force: true });
  }
  return kills;
}
