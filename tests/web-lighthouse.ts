// Runs Lighthouse from npm on a page. It is installed when first needed, beside the project: one of its dependencies asks
// for the "latest" of another, so a lock file that holds it is refused by npm ci as soon as that one has a new release.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findBrowser } from './browser.ts';

const VERSION = '12.8.2';
const FOLDER = resolve('node_modules/.cache/pocketgen/lighthouse');

function command(): string {
  const script = join(FOLDER, 'node_modules', 'lighthouse', 'cli', 'index.js');
  if (!existsSync(script)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'package.json'), '{ "private": true }');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `lighthouse@${VERSION}`], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  return script;
}

export interface LighthouseReport {
  /** 0 to 100, by category id. */
  scores: Record<string, number>;
  /** Titles of the audits that did not pass. */
  failed: string[];
}

interface Report {
  categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, { title: string; score: number | null }>;
}

/** Not in the way of the site's server, which may run in this process. */
export async function lighthouse(
  url: string,
  form: 'mobile' | 'desktop',
  categories: readonly string[],
): Promise<LighthouseReport> {
  const output = join(FOLDER, `report-${form}.json`);
  await promisify(execFile)(
    process.execPath,
    [
      command(),
      url,
      '--quiet',
      '--output=json',
      `--output-path=${output}`,
      `--only-categories=${categories.join(',')}`,
      ...(form === 'desktop' ? ['--preset=desktop'] : []),
      `--chrome-flags=--headless=new${process.getuid?.() === 0 ? ' --no-sandbox' : ''}`,
    ],
    {
      env: { ...process.env, CHROME_PATH: findBrowser() ?? '' },
      timeout: 150_000,
    },
  );
  const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  const scores = Object.fromEntries(
    Object.entries(report.categories).map(([id, { score }]) => [id, Math.round((score ?? 0) * 100)]),
  );
  const counted = new Set(
    Object.values(report.categories).flatMap(({ auditRefs }) =>
      auditRefs.filter((ref) => ref.weight > 0).map((ref) => ref.id),
    ),
  );
  const failed = Object.entries(report.audits)
    .filter(([id, { score }]) => counted.has(id) && score !== null && score < 1)
    .map(([, { title }]) => title);
  return { scores, failed };
}
