// Finds a Chromium-family browser for the tests, installs one where that can be done, and launches it.
// `node tests/browser.ts` prints the path it would use.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

/** Software WebGPU in a headless browser without a GPU. */
export const WEBGPU_FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
] as const;

const COMMANDS = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
  'chrome.exe',
  'msedge.exe',
] as const;

function fixedPlaces(): string[] {
  const apps = ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  );
  const roots = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA];
  const windows = roots.flatMap((root) =>
    root === undefined
      ? []
      : [
          join(root, 'Google', 'Chrome', 'Application', 'chrome.exe'),
          join(root, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
        ],
  );
  return [...apps, ...windows];
}

/** The path of an installed browser: CHROME_PATH, then the PATH, then the usual places, then Playwright's own. */
export function findBrowser(): string | undefined {
  const asked = process.env.CHROME_PATH;
  if (asked !== undefined && asked !== '') {
    if (existsSync(asked)) return asked;
    throw new Error(`CHROME_PATH: expected a browser, got ${asked}, which does not exist`);
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  // executablePath() names the place whether or not the download was made.
  return [...onPath, ...fixedPlaces(), chromium.executablePath()].find((path) => path !== '' && existsSync(path));
}

function run(command: string, args: string[]): boolean {
  console.log(`browser: ${command} ${args.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 600_000 }).status === 0;
}

/** An installed browser, or one installed now (Debian's package, else Playwright's download), or undefined. */
export function ensureBrowser(): string | undefined {
  const found = findBrowser();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium']);
    const installed = findBrowser();
    if (installed !== undefined) return installed;
  }
  const playwright = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js');
  run(process.execPath, [playwright, 'install', 'chromium']);
  return findBrowser();
}

export interface LaunchOptions {
  /** Offer WebGPU on a software GPU. Without it `navigator.gpu` may exist, but has no adapter. */
  webgpu?: boolean;
  args?: string[];
}

function launchArgs(options: LaunchOptions): string[] {
  return [...(options.webgpu === true ? WEBGPU_FLAGS : []), ...(options.args ?? [])];
}

function executable(): string {
  const path = findBrowser();
  if (path === undefined) throw new Error('browser: expected Chrome, Chromium or Edge, got none; set CHROME_PATH');
  return path;
}

/** A headless browser. The sandbox is off for root, which Chromium demands. */
export async function launchBrowser(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: executable(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: launchArgs(options),
  });
}

/** A browser with a profile on disk, for what must outlive a restart of the browser. */
export async function launchProfile(
  folder: string,
  options: LaunchOptions & { context?: BrowserContextOptions } = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    ...options.context,
    executablePath: executable(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: launchArgs(options),
  });
}

if (import.meta.main) console.log(findBrowser() ?? 'none found');
