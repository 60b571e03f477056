// The lock of a run folder: held by one process, gone with it however it ends, whatever number the next one has.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockRun } from '../../train/store/run-lock.ts';

const LOCK = new URL('../../train/store/run-lock.ts', import.meta.url).href;

let dir = '';
let started: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pocketgen-lock-'));
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started = [];
  rmSync(dir, { recursive: true });
});

/** A shell whose background process holds the lock. The shell becomes `sleep`, which never reaps its children. */
async function holder(): Promise<{ pid: number; said: string }> {
  const script = `import(${JSON.stringify(LOCK)}).then(({ lockRun }) => { lockRun(process.argv[1]); console.log('held', process.pid); setInterval(() => {}, 1000) })`;
  const shell = spawn('sh', ['-c', `"$0" -e "$1" "$2" & exec sleep 60`, process.execPath, script, dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(shell);
  let said = '';
  shell.stderr.on('data', (text) => {
    said += text;
  });
  for await (const text of shell.stdout) {
    const pid = /held (\d+)/.exec(String(text))?.[1];
    if (pid !== undefined) return { pid: Number(pid), said };
  }
  throw new Error(`expected the lock to be taken, got ${said}`);
}

test('the lock is one process’s, and the next one’s after it was released', () => {
  const release = lockRun(dir);
  expect(() => lockRun(dir)).toThrow(/expected nobody else to train here, got another process that does; wait for it/);
  release();
  lockRun(dir)();
});

test('a killed process holds nothing, even while it is dead but not reaped', async () => {
  const { pid, said } = await holder();
  expect(said).toBe(''); // no warning that a newcomer would have to ignore
  expect(() => lockRun(dir)).toThrow(/another process/);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => lockRun(dir)()).toBeUndefined();
  expect(process.kill(pid, 0)).toBe(true); // nobody reaped it: its number still seems alive
});

test('a folder where nothing can be written is said to be one', () => {
  expect(() => lockRun(join(dir, 'missing'))).toThrow(/expected a folder that can be written and locked, got .*; take/);
});

test('a Node without SQLite trains unlocked, and says so in one line', () => {
  const script = `import(${JSON.stringify(LOCK)}).then(({ lockRun }) => lockRun('runs/a')())`;
  const { status, stderr } = spawnSync(process.execPath, ['--no-experimental-sqlite', '-e', script], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stderr).toMatch(/^run runs\/a: Node \S+ cannot lock it, 22\.13 or later can; train .*\n$/);
});
