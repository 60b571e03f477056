// `node scripts/release.ts v0.2.0`: whether the tag, both packages and the changelog name one version. The publishing workflow
// asks before it does anything.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const versionOf = (folder: string): string => JSON.parse(read(join(folder, 'package.json'))).version;

const wanted = process.argv[2]?.replace(/^v/, '') ?? versionOf('.');
const found = {
  'package.json': versionOf('.'),
  'client/package.json': versionOf('client'),
  'CHANGELOG.md': /^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md'))?.[1],
};
for (const [name, version] of Object.entries(found)) {
  if (version === wanted) continue;
  console.error(
    `${name}: expected version ${wanted}, got ${version}; make the tag, both packages and the changelog agree`,
  );
  process.exitCode = 1;
}
