// Writes client/custom-elements.json, by which editors and catalogues know <pocket-picture>: `node scripts/custom-elements.ts`.
// tests/fast/element.test.ts says when that is due.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'client', 'element');
export const CUSTOM_ELEMENTS = join(ROOT, 'client', 'custom-elements.json');

/** The module that importers of @pocketgen/client/element get. */
const MODULE = 'dist/element/index.js';
const ELEMENT = 'picture-element.ts';

interface Declaration {
  name: string;
  members: { name: string; privacy?: string; kind: string }[];
  attributes: object[];
}

/** What the analyzer of custom-elements.json finds in the class, without what is private: the text of the file. */
export function customElements(): string {
  const out = mkdtempSync(join(tmpdir(), 'pocketgen-elements-'));
  try {
    const cem = join(ROOT, 'node_modules/@custom-elements-manifest/analyzer/cem.js');
    // It takes the folder it writes to as part of the one it runs in.
    execFileSync(process.execPath, [cem, 'analyze', '--globs', ELEMENT, '--outdir', relative(FOLDER, out), '--quiet'], {
      cwd: FOLDER,
    });
    const found = JSON.parse(readFileSync(join(out, 'custom-elements.json'), 'utf8')) as {
      modules: { declarations: Declaration[] }[];
    };
    const declaration = found.modules[0]?.declarations.find(({ name }) => name === 'PocketPicture');
    if (declaration === undefined) throw new Error(`${ELEMENT}: expected the class PocketPicture, got none`);
    const callback = /Callback$|^observedAttributes$/;
    const members = declaration.members.filter(({ name, privacy }) => privacy !== 'private' && !callback.test(name));
    const reference = { name: 'PocketPicture', module: MODULE };
    const manifest = {
      schemaVersion: '1.0.0',
      modules: [
        {
          kind: 'javascript-module',
          path: MODULE,
          declarations: [{ ...declaration, members, superclass: { name: 'HTMLElement', module: 'global:' } }],
          exports: [
            { kind: 'js', name: 'PocketPicture', declaration: reference },
            { kind: 'custom-element-definition', name: 'pocket-picture', declaration: reference },
          ],
        },
      ],
    };
    return `${JSON.stringify(manifest, null, 2)}\n`;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

if (import.meta.main) writeFileSync(CUSTOM_ELEMENTS, customElements());
