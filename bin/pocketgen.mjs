#!/usr/bin/env node
// The `pocketgen` command. A package holds it as JavaScript; a checkout runs cli/main.ts, which needs a Node that reads
// TypeScript (22.18 or later): an older one hands over to the one that the `node` dev dependency installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const source = new URL('../cli/main.ts', import.meta.url);
const main = existsSync(source) ? source : new URL('../dist/lib/cli/main.js', import.meta.url);
try {
  createRequire(import.meta.url).resolve('commander');
} catch {
  console.error('pocketgen: expected its packages to be installed, got none; run npm ci first');
  process.exit(1);
}
if (main !== source || process.features.typescript) {
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `pocketgen: expected Node 22.18 or later, got ${process.version}; run npm ci (with install scripts), it brings one`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends its signals to the child as well: commands take two at once for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
