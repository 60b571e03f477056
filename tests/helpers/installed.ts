// Packages as their users have them: packed, then installed from the registry into an empty folder.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs to its end; throws with what it wrote where it fails. */
export function ran(command: string, args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  // onnxruntime-node's install script would download CUDA libraries; the settings of an npm that runs us are not a user's.
  const settings = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = { ...Object.fromEntries(settings), ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', env });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit code ${result.status}\n${result.stdout}${result.stderr}`);
  return result;
}

/** Packs the repository's two packages as `npm publish` does, after one build of both. Returns tarballs and the paths of the files in them. */
export function packed(into: string): Record<'command' | 'client', { tarball: string; files: string[] }> {
  ran('npm', ['run', 'build:packages'], ROOT);
  const pack = (workspace: string) => {
    const flags = ['--ignore-scripts', '--json', '--silent', '--pack-destination', into];
    const { stdout } = ran('npm', ['pack', ...flags], join(ROOT, workspace));
    const [report] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }];
    return { tarball: join(into, report.filename), files: report.files.map(({ path }) => path) };
  };
  return { command: pack('.'), client: pack('client') };
}

/** A new folder with nothing but these packages, by name or tarball. Returns its path. */
export function installed(folder: string, packages: readonly string[], flags: readonly string[] = []): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  ran('npm', ['install', ...packages, ...flags, '--prefer-offline', '--no-audit', '--no-fund'], folder);
  return folder;
}

/** MiB of the files in a folder, as `du -m --apparent-size` counts them. */
export function mebibytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 2 ** 20;
}
