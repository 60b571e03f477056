// Vite plugin: the screenshots that the web app manifest names, for the browser's install dialog, from docs/screenshots.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { z } from 'zod';

const manifestSchema = z.object({ screenshots: z.array(z.object({ src: z.string() })) });

function screenshotsOf(manifest: string): { src: string }[] {
  return manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8'))).screenshots;
}

export function screenshotsPlugin(): Plugin {
  let root = '';
  return {
    name: 'pocketgen-screenshots',
    apply: 'build',
    configResolved(config) {
      root = config.root;
    },
    generateBundle() {
      for (const { src } of screenshotsOf(join(root, 'public', 'app.webmanifest'))) {
        const fileName = src.replace(/^\.\//, '');
        this.emitFile({ type: 'asset', fileName, source: readFileSync(join(root, '..', 'docs', fileName)) });
      }
    },
  };
}
