// What a report reads from a run folder, and that its page needs nothing from outside.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pictureSet } from '../../train/data/index.ts';
import { recipeFor } from '../../train/recipe.ts';
import { readReport } from '../../train/report/data.ts';
import { reportPage } from '../../train/report/page.ts';
import { watchReport } from '../../train/report/watch.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-report-'));
afterAll(() => rmSync(root, { recursive: true }));

const pictures = pictureSet({
  name: 'demo',
  classes: ['a', 'b'],
  width: 28,
  height: 28,
  channels: 1,
  pixels: new Uint8Array(2 * 784),
  labels: Uint8Array.of(0, 1),
  note: 'made for a test </script><script>alert(1)</script>',
});

function makeRun(name: string, stats: string): string {
  const dir = join(root, name);
  mkdirSync(join(dir, 'samples'), { recursive: true });
  const { sha256, count, classes, note } = pictures;
  const dataset = { source: 'demo', name: 'demo', sha256, count, classes, note };
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ recipe: recipeFor('quick', pictures), dataset, plans: [] }));
  writeFileSync(join(dir, 'stats.jsonl'), stats);
  writeFileSync(join(dir, 'samples', '0000000064.png'), 'picture');
  writeFileSync(join(dir, 'samples', '0000000064-again.png'), 'pictures and their reconstructions');
  writeFileSync(join(dir, 'samples', '0000000128.png.tmp'), 'half a picture');
  return dir;
}

const stats = [
  '{"images":64,"seconds":1,"lossD":0.7,"lossG":0.7}',
  '{"images":64,"metrics":{"fid":50,"ganTest":0.5},"real":{"fid":0.5,"classes":"two"}}',
  '{"images":128,"seconds":2,"lossD":null,"lossG":0.9}',
  '{"images":192,"seco',
].join('\n');

describe('readReport', () => {
  test('separates training from metrics, keeps gaps, and passes over a line that is still being written', async () => {
    const data = await readReport(makeRun('read', stats));
    expect(data.training.images).toEqual([64, 128]);
    expect(data.training.series).toEqual({ seconds: [1, 2], lossD: [0.7, null], lossG: [0.7, 0.9] });
    expect(data.metrics).toEqual({ images: [64], series: { fid: [50], ganTest: [0.5] } });
    expect(data.samples).toEqual([{ images: 64, source: '0000000064.png' }]);
    expect(data.again).toEqual([{ images: 64, source: '0000000064-again.png' }]);
    expect(data.real).toEqual({ fid: 0.5 });
    expect(data.config).toContainEqual(['network.classes', '2']);
    expect(data.config).toContainEqual(['preset', 'quick']);
  });

  test('a folder that is no run is one sentence', async () => {
    await expect(readReport(join(root, 'nothing'))).rejects.toThrow('expected a run folder with config.json');
  });
});

describe('reportPage', () => {
  test('is one file: it loads nothing, and text from the data cannot end its scripts', async () => {
    const page = reportPage(await readReport(makeRun('page', stats)));
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(page).not.toMatch(/@import|url\(/);
    expect(page).not.toContain('<script>alert(1)');
    // The chart library and the report itself.
    expect(page.match(/<script>/g)).toHaveLength(2);
  });
});

describe('watchReport', () => {
  test('serves page, fresh data and pictures, and nothing else of the folder', async () => {
    const dir = makeRun('watch', stats);
    const { url, close } = await watchReport(dir, 0);
    try {
      expect(await (await fetch(url)).text()).toContain('<!doctype html>');
      writeFileSync(join(dir, 'stats.jsonl'), '{"images":640,"lossD":0.1}\n');
      expect(await (await fetch(`${url}/data.json`)).json()).toMatchObject({
        training: { images: [640] },
        samples: [{ images: 64, source: 'samples/0000000064.png' }],
      });
      expect(await (await fetch(`${url}/samples/0000000064.png`)).text()).toBe('picture');
      for (const path of ['samples/..%2Fconfig.json', 'config.json', 'samples/0000000128.png.tmp', 'samples/7.png']) {
        expect((await fetch(`${url}/${path}`)).status, path).toBe(404);
      }
      await expect(watchReport(dir, Number(new URL(url).port))).rejects.toThrow(
        'which is in use; choose another with --port',
      );
    } finally {
      await close();
    }
  });
});
