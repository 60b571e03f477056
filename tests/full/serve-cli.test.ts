// `pocketgen serve` as a process among others: what reads its log may go before it does.
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';

test('when the reader of its log has gone, the server says so once and serves on', async () => {
  const server = spawn(
    'node_modules/.bin/node',
    ['bin/pocketgen.mjs', 'serve', '--models', 'models/fashion-gan', '--port', '0', '--log'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  server.stderr.on('data', (part) => {
    said += part;
  });
  try {
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/serving http/);
    const url = /serving (http:\S+)/.exec(said)?.[1] ?? '';
    const first = new Promise((resolve) => server.stdout.once('data', (line) => resolve(JSON.parse(String(line)))));
    await fetch(`${url}/healthz`);
    expect(await first).toMatchObject({ route: '/healthz' });
    server.stdout.destroy();
    for (let i = 0; i < 4; i++) expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(said.match(/^log: .*$/gm)).toEqual(['log: nobody reads it any more; serving on without it']);
    expect(server.exitCode).toBeNull();
  } finally {
    server.kill();
  }
});
