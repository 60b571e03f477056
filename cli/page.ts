// The page that a command serves: a package holds it, a checkout builds it from web/, wherever the command was started.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../contract/errors.ts';

const require = createRequire(import.meta.url);
/** Of the package or the checkout: compiled, this module lies deeper than its source. */
const ROOT = dirname(require.resolve('pocketgen/package.json'));
export const PAGE = join(ROOT, 'dist', 'web');
/** What the page is built from: its layer and those that it may import, and what builds it. */
export const PAGE_LAYERS = ['web', 'client', 'contract', 'train', 'trace', 'export'] as const;
const SOURCES = [...PAGE_LAYERS, 'vite.config.ts', 'package-lock.json'].map((name) => join(ROOT, name));
/** Written when all of the page is there. */
const LAST_FILE = join(PAGE, 'sw.js');

function viteCommand(): string | undefined {
  try {
    return join(require.resolve('vite/package.json'), '..', 'bin', 'vite.js');
  } catch {
    return undefined; // an installation without development dependencies
  }
}

/** Milliseconds since 1970 of the newest file in a folder, or of the file. What is built there (client/dist) is no source. */
function newestChange(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = readdirSync(path);
  // A folder itself changes when a source in it is removed, and when something is built there.
  const own = names.includes('dist') ? 0 : stat.mtimeMs;
  const sources = names.filter((name) => name !== 'dist');
  return sources.reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), own);
}

function isCurrent(): boolean {
  const built = statSync(LAST_FILE, { throwIfNoEntry: false })?.mtimeMs;
  return built !== undefined && SOURCES.filter(existsSync).every((path) => newestChange(path) < built);
}

/**
 * Builds the page into dist/web, unless it is there and nothing it is built from has changed. What it shows does not depend
 * on the folder the command runs in: its server tells it the models. Without vite, the page that is there is used.
 *
 * @param say told before it builds, which takes seconds
 * @throws UserError when there is neither, or when the build fails
 */
export async function buildPage(say: (message: string) => void): Promise<void> {
  if (isCurrent()) return;
  const vite = viteCommand();
  if (vite === undefined) {
    if (existsSync(join(PAGE, 'index.html'))) return;
    throw new UserError(
      'page: expected vite to build it, got an installation without it; run npm ci without --omit=dev',
    );
  }
  say('building the page …');
  // In a process of its own: vite takes its folders from the working directory, and 100 MB that training needs.
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: ROOT, env }).catch(
    ({ stderr, message }: Error & { stderr?: string }) => {
      throw new UserError(`page: expected vite to build it, got: ${(stderr || message).trim()}`);
    },
  );
}
