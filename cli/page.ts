// The page that a command serves, built from web/ of this package, wherever the command was started.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UserError } from '../contract/errors.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const PAGE = join(ROOT, 'dist', 'web');

function viteCommand(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return join(require.resolve('vite/package.json'), '..', 'bin', 'vite.js');
  } catch {
    return undefined; // an installation without development dependencies
  }
}

/**
 * Builds the page into dist/web. Without vite, the page that is there is used.
 *
 * @throws UserError when there is neither, or when the build fails
 */
export async function buildPage(): Promise<void> {
  const vite = viteCommand();
  if (vite === undefined) {
    if (existsSync(join(PAGE, 'index.html'))) return;
    throw new UserError(
      'page: expected vite to build it, got an installation without it; run npm ci without --omit=dev',
    );
  }
  // In a process of its own: vite takes its folders from the working directory, and 100 MB that training needs.
  const env = { ...process.env, POCKETGEN_MODELS: process.env.POCKETGEN_MODELS ?? resolve('models') };
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: ROOT, env }).catch(
    ({ stderr, message }: Error & { stderr?: string }) => {
      throw new UserError(`page: expected vite to build it, got: ${(stderr || message).trim()}`);
    },
  );
}
