// IDX files good and bad, and where the named data sets come from.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../../contract/errors.ts';
import { splitsFor } from '../../train/data/held-out.ts';
import { decodeIdx, readIdx } from '../../train/data/idx.ts';
import { idxSources, loadIdxSource } from '../../train/data/idx-sets.ts';
import { classCounts, loadDataset } from '../../train/data/index.ts';

const embedded = fileURLToPath(new URL('../../train/data/fashion-mnist/', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'pocketgen-idx-'));
afterAll(() => rmSync(root, { recursive: true }));

const fashion = idxSources['fashion-mnist'];
if (!fashion) throw new Error('fashion-mnist is missing from idxSources');
const { debian: _, ...withoutDebian } = fashion;

const labelsFile = (labels: number[]): Uint8Array => {
  const bytes = new Uint8Array(8 + labels.length);
  new DataView(bytes.buffer).setUint32(0, 0x0801);
  new DataView(bytes.buffer).setUint32(4, labels.length);
  bytes.set(labels, 8);
  return bytes;
};

describe('decodeIdx', () => {
  test('reads plain and gzipped files alike', () => {
    for (const pack of [(bytes: Uint8Array) => bytes, gzipSync]) {
      const { shape, data } = decodeIdx('x', pack(labelsFile([3, 1, 2])), 'labels');
      expect(shape).toEqual([3]);
      expect([...data]).toEqual([3, 1, 2]);
    }
  });

  test('says what is wrong with an empty file, a wrong magic number, too few and too many bytes', () => {
    const good = labelsFile([1, 2, 3]);
    const wrongMagic = good.slice();
    wrongMagic[3] = 3;
    expect(() => decodeIdx('a.gz', new Uint8Array(0), 'labels')).toThrow(
      'a.gz: expected an IDX file of labels, got an empty file',
    );
    expect(() => decodeIdx('a.gz', wrongMagic, 'labels')).toThrow(
      'a.gz: expected the magic number 0x00000801 of an IDX file of labels, got 0x00000803',
    );
    expect(() => decodeIdx('a.gz', good.subarray(0, 10), 'labels')).toThrow(
      'expected 11 bytes for 3 labels, got 10 bytes',
    );
    expect(() => decodeIdx('a.gz', new Uint8Array([...good, 0]), 'labels')).toThrow('got 12 bytes');
    expect(() => decodeIdx('a.gz', good.subarray(0, 5), 'labels')).toThrow('got only 5 bytes');
    expect(() => decodeIdx('a.gz', good, 'labels', '00')).toThrow('expected SHA-256 00 when unpacked, got ');
  });

  test('any prefix of a gzipped file and any flipped bit is a UserError', () => {
    const good = gzipSync(labelsFile(Array.from({ length: 200 }, (_, i) => i % 10)));
    fc.assert(
      fc.property(fc.nat(good.length - 1), (length) => {
        expect(() => decodeIdx('x', good.subarray(0, length), 'labels')).toThrow(UserError);
      }),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(7), (byte, bit) => {
        const bad = good.slice();
        bad[byte] = (bad[byte] ?? 0) ^ (1 << bit);
        expect(() => decodeIdx('x', bad, 'labels', 'no file has this hash')).toThrow(UserError);
      }),
    );
  });

  test('a missing file is named', async () => {
    await expect(readIdx('/nowhere/x.gz', 'labels')).rejects.toThrow(
      '/nowhere/x.gz: expected a readable file, got ENOENT',
    );
  });
});

describe('fashion-mnist', () => {
  test('falls back to the embedded pictures without a network: 8,000 for training, the last 2,000 held out', async () => {
    const options = { cacheDir: join(root, 'empty'), mirrors: ['http://unreachable.invalid/'] };
    const { train, test: held } = await loadIdxSource('fashion-mnist', withoutDebian, options);
    expect([train.count, held.count]).toEqual([8000, 2000]);
    expect(train.note).toMatch(
      /^fashion-mnist: the embedded 10,000 official pictures .* because .*unreachable\.invalid: /,
    );
    const all = gunzipSync(readFileSync(join(embedded, 't10k-images-idx3-ubyte.gz'))).subarray(16);
    expect(Buffer.compare(all.subarray(0, 8000 * 784), train.pixels)).toBe(0);
    expect(Buffer.compare(all.subarray(8000 * 784), held.pixels)).toBe(0);
    expect(train.classes).toHaveLength(10);
    expect(classCounts(held).reduce((sum, count) => sum + count)).toBe(2000);
    // The first label of the official test file is 9, an ankle boot.
    expect(train.classes[train.labels[0] ?? -1]).toBe('Ankle boot');
  });

  test('download: false never touches the network and says so', async () => {
    const { train } = await loadIdxSource('fashion-mnist', withoutDebian, {
      cacheDir: join(root, 'empty'),
      download: false,
    });
    expect(train.note).toContain('downloads are switched off');
  });

  test('a damaged file in the cache is named, not passed over', async () => {
    const cache = join(root, 'damaged', 'datasets', 'fashion-mnist');
    mkdirSync(cache, { recursive: true });
    for (const file of Object.values(fashion.files)) {
      const official = join(embedded, file.name.replace('train', 't10k'));
      copyFileSync(official, join(cache, file.name));
    }
    writeFileSync(join(cache, 't10k-images-idx3-ubyte.gz'), '');
    const load = loadIdxSource('fashion-mnist', withoutDebian, { cacheDir: join(root, 'damaged') });
    await expect(load).rejects.toThrow(UserError);
    await expect(load).rejects.toThrow(join(cache, ''));
  });
});

describe('splitsFor', () => {
  const official = '16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157';

  /** As on a machine that has the embedded pictures alone. */
  async function withoutFullSet<T>(run: (options: { cacheDir: string; download: false }) => Promise<T>): Promise<T> {
    const known = idxSources['fashion-mnist'];
    idxSources['fashion-mnist'] = withoutDebian;
    try {
      return await run({ cacheDir: join(root, 'empty'), download: false });
    } finally {
      if (known) idxSources['fashion-mnist'] = known;
    }
  }

  test('a model of the embedded pictures is judged by the embedded held-out ones, whatever the machine has', async () => {
    const options = { cacheDir: join(root, 'empty'), download: false };
    const embedded = await loadIdxSource('fashion-mnist', withoutDebian, options);
    const { train, test: held } = await splitsFor(embedded.train.sha256, 'fashion-mnist', { download: false });
    expect(train.sha256).toBe(embedded.train.sha256);
    expect(held.sha256).toBe(embedded.test.sha256);
  });

  test('a model of the full set may be judged where only the embedded pictures are: it saw none of them', async () => {
    const { test: held } = await withoutFullSet((options) => splitsFor(official, 'fashion-mnist', options));
    expect(held.count).toBe(2000);
  });

  test('a model of unknown pictures is not judged', async () => {
    await expect(splitsFor('f'.repeat(64), 'fashion-mnist', { download: false })).rejects.toThrow(
      'expected the pictures the model was trained on (SHA-256 ffffffffffff…) in fashion-mnist, got others',
    );
  });
});

describe('loadDataset', () => {
  test('an unknown source lists what exists', async () => {
    for (const source of ['cifar', '/nowhere', 'constructor']) {
      await expect(loadDataset(source)).rejects.toThrow(
        `data set: expected fashion-mnist, mnist, a folder of pictures or a .zip of one, got "${source}", which is not there`,
      );
    }
  });

  test('a single file is said to be one, and so is what is neither file nor folder', async () => {
    await expect(loadDataset('package.json')).rejects.toThrow(
      'got "package.json", which is a file; name the folder that it is in, or a zip by a name in .zip',
    );
    await expect(loadDataset('/dev/null')).rejects.toThrow('got "/dev/null", which is neither');
  });
});
