// The two servers that bench/edge.ts and the full tests measure, as processes of their own: workerd by itself with the
// script wrangler would upload (no proxy in front, unlike `wrangler dev`), and `pocketgen serve`.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);

export interface ServerProcess {
  name: 'workerd' | 'node';
  url: string;
  /** Milliseconds of wall clock, and of the main thread's CPU, until /healthz answered. */
  startMs: number;
  startCpuMs: number;
  /** CPU of the main thread so far, in milliseconds, by the hundredth of a second. */
  cpuMs(): number;
  /** Resident memory in MiB; 0 where /proc is not there. */
  residentMiB(): number;
  /** Port of the inspector, if it was asked for. */
  inspector: number | undefined;
  stop(): Promise<void>;
}

export interface WorkerBuild {
  /** Holds main.js and the modules it imports. */
  folder: string;
  files: { name: string; bytes: number }[];
  remove(): void;
}

/** What `wrangler deploy` would upload, for the bundles in `models`. */
export function buildWorker(models: string): WorkerBuild {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-worker-'));
  execFileSync(bin('node'), [bin('wrangler'), 'deploy', '--dry-run', '--outdir', folder], {
    cwd: ROOT,
    env: { ...process.env, POCKETGEN_MODELS: models, CI: '1' },
    stdio: 'pipe',
  });
  const files = readdirSync(folder)
    .filter((name) => /\.(js|wasm|onnx)$/.test(name))
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)).length }));
  return { folder, files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A Worker that does nothing, to compare with. */
export function emptyWorker(): WorkerBuild {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-worker-'));
  const source = 'export default { fetch: () => Response.json({ runtime: { memoryBytes: 0 } }) };\n';
  writeFileSync(join(folder, 'main.js'), source);
  return {
    folder,
    files: [{ name: 'main.js', bytes: source.length }],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** workerd's own configuration language, for the modules of a build. */
function configOf(
  { files }: WorkerBuild,
  port: number,
  vars: Readonly<Record<string, string>>,
  flags: readonly string[],
): string {
  const kinds = { js: 'esModule', wasm: 'wasm', onnx: 'data' } as const;
  const sorted = files.map(({ name }) => name).sort((a, b) => Number(b === 'main.js') - Number(a === 'main.js'));
  const modules = sorted.map((name) => {
    const kind = kinds[name.slice(name.lastIndexOf('.') + 1) as keyof typeof kinds];
    return `    (name = "${name}", ${kind} = embed "${name}")`;
  });
  const bindings = Object.entries(vars).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  v8Flags = [${flags.map((flag) => JSON.stringify(flag)).join(', ')}],
);
const worker :Workerd.Worker = (
  modules = [
${modules.join(',\n')}
  ],
  bindings = [${bindings.join(', ')}],
  compatibilityDate = "2026-04-01",
);
`;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** User and system time of a process's main thread in milliseconds (/proc counts hundredths of a second). */
function cpuMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

async function whenReady(
  name: ServerProcess['name'],
  child: ChildProcess,
  port: number,
  inspector: number | undefined,
): Promise<ServerProcess> {
  const start = performance.now();
  const url = `http://127.0.0.1:${port}`;
  let said = '';
  child.stderr?.on('data', (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  child.stdout?.resume();
  for (;;) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.status === 200) break;
    if (child.exitCode !== null || performance.now() - start > 60_000)
      throw new Error(`${name}: expected it to start, got ${answer?.status ?? `exit ${child.exitCode}`}\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return {
    name,
    url,
    startMs: performance.now() - start,
    startCpuMs: cpuMs(child.pid),
    cpuMs: () => cpuMs(child.pid),
    residentMiB() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    },
    inspector,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}

export interface StartOptions {
  /** For V8. Cloudflare holds an isolate to 128 MB; workerd by itself does not, so its garbage may pile up. */
  v8Flags?: readonly string[];
  /** Open the inspector, for heldHeapMiB. */
  inspect?: boolean;
}

/** workerd alone; `vars` are text bindings (CACHE is off, there is no rate limit). */
export async function startWorkerdAlone(
  build: WorkerBuild,
  { v8Flags = [], inspect = false, vars = {} }: StartOptions & { vars?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const inspector = inspect ? await freePort() : undefined;
  const config = join(build.folder, 'config.capnp');
  writeFileSync(config, configOf(build, port, { CACHE: 'off', ...vars }, v8Flags));
  const flags = inspector === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspector}`];
  const child = spawn(bin('workerd'), ['serve', ...flags, config], { stdio: ['ignore', 'pipe', 'pipe'] });
  return whenReady('workerd', child, port, inspector);
}

/** `pocketgen serve` without a rate limit; `flags` are its own. */
export async function startNodeServer(
  models: string,
  { v8Flags = [], inspect = false, flags = [] }: StartOptions & { flags?: readonly string[] } = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const inspector = inspect ? await freePort() : undefined;
  const node = [...v8Flags, ...(inspector === undefined ? [] : [`--inspect=127.0.0.1:${inspector}`])];
  const serve = ['serve', '--models', models, '--port', String(port), '--host', '127.0.0.1', '--rate-limit', '0'];
  const child = spawn(bin('node'), [...node, join(ROOT, 'cli/main.ts'), ...serve, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return whenReady('node', child, port, inspector);
}

/** A models folder with the named bundle folders in it. */
export function folderOf(...bundles: string[]): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-models-'));
  for (const bundle of bundles) cpSync(bundle, join(folder, bundle.split('/').pop() ?? ''), { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
