// The version of a bundle: what changes it, what does not, and a value that another program reproduces.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { bundleVersion, splitVersion, type Versioned, versionedName, versionSchema } from '../../contract/version.ts';

const bundle: Versioned = {
  latent: { size: 3, distribution: 'normal', generator: 'philox4x32-10/as241' },
  classes: ['Coat', 'Ankle boot', '猫'],
  image: { width: 2, height: 1, channels: 1 },
  defaultTruncation: 0.95,
  defaultVariant: 'fp16',
  files: [
    { path: 'a.onnx', role: 'generator', variant: 'fp32', bytes: 3, sha256: 'a'.repeat(64) },
    { path: 'b.onnx', role: 'generator', variant: 'fp16', bytes: 3, sha256: 'b'.repeat(64) },
  ],
};
const [fp32, fp16] = bundle.files as [Versioned['files'][number], Versioned['files'][number]];

// From Python: hashlib.sha256(json.dumps(X, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()).hexdigest()[:12]
// with X = {'classes': ['Coat', 'Ankle boot', '猫'], 'defaultTruncation': 0.95, 'defaultVariant': 'fp16',
// 'generators': {'fp32': 'a' * 64, 'fp16': 'b' * 64}, 'image': {'width': 2, 'height': 1, 'channels': 1},
// 'latent': {'size': 3, 'distribution': 'normal', 'generator': 'philox4x32-10/as241'}}
test('is the value that Python makes of canonical JSON', async () => {
  expect(await bundleVersion(bundle)).toBe('e00e68f36bf2');
});

test('changes with everything that decides a picture', async () => {
  const others: Versioned[] = [
    { ...bundle, latent: { ...bundle.latent, size: 4 } },
    { ...bundle, classes: ['Ankle boot', 'Coat', '猫'] },
    { ...bundle, classes: ['Coat', 'Ankle boots', '猫'] },
    { ...bundle, image: { width: 1, height: 2, channels: 1 } },
    { ...bundle, image: { width: 2, height: 1, channels: 3 } },
    { ...bundle, defaultTruncation: 0.9 },
    { ...bundle, defaultVariant: 'fp32' },
    { ...bundle, files: [fp32, { ...fp16, sha256: 'c'.repeat(64) }] },
    { ...bundle, files: [fp16] },
    { ...bundle, files: [{ ...fp32, variant: 'int8' }, fp16] },
  ];
  const versions = await Promise.all([bundle, ...others].map(bundleVersion));
  expect(new Set(versions).size).toBe(others.length + 1);
  for (const version of versions) expect(versionSchema.safeParse(version).success).toBe(true);
});

test('stays with what decides none: order and names of files, other networks, order of keys, texts, measurements', async () => {
  const version = await bundleVersion(bundle);
  const encoder = { ...fp32, path: 'e.onnx', role: 'encoder', sha256: 'e'.repeat(64) } as const;
  const same: Versioned[] = [
    { ...bundle, files: [fp16, fp32] },
    { ...bundle, files: [{ ...fp32, path: 'renamed.onnx' }, fp16, encoder] },
    { ...bundle, image: { channels: 1, height: 1, width: 2 } },
  ];
  for (const one of same) expect(await bundleVersion(one)).toBe(version);
  const shipped = parseManifest(JSON.parse(readFileSync('models/fashion-gan/model.json', 'utf8')));
  const retold: Manifest = { ...shipped, title: 'Other', description: '', license: 'CC0-1.0', goldens: [] };
  expect(await bundleVersion(retold)).toBe(await bundleVersion(shipped));
});

test('names and versions come apart at the first @', () => {
  expect(splitVersion(versionedName('cats', '0123456789ab'))).toEqual({ name: 'cats', version: '0123456789ab' });
  expect(splitVersion('cats')).toEqual({ name: 'cats', version: undefined });
  expect(splitVersion('cats@')).toEqual({ name: 'cats', version: '' });
  expect(splitVersion('a@b@c')).toEqual({ name: 'a', version: 'b@c' });
});
