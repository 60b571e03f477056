// The curl lines of docs/edge.md and the README, run against `pocketgen serve`.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerProcess, startNodeServer } from '../../bench/edge-server.ts';

const lines = ['README.md', 'docs/edge.md'].flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => /`?(curl [^`]*http:\/\/localhost:8787\/[^`]*)/.exec(line)?.[1])
    .filter((line) => line !== undefined)
    .map((line) => [file, line] as const),
);

let server: ServerProcess;
beforeAll(async () => {
  server = await startNodeServer(process.env.POCKETGEN_MODELS ?? 'models');
});
afterAll(() => server?.stop());

/** The few options of curl that the documents use. */
function requestOf(line: string): { url: string; init: RequestInit } {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
  const headers: Record<string, string> = {};
  let body: string | undefined;
  let method = 'GET';
  let url = '';
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-H') {
      const [name = '', value = ''] = (words.shift() ?? '').split(/:\s*/, 2);
      headers[name] = value;
    } else if (word === '-d') {
      [body, method] = [words.shift(), 'POST'];
    } else if (word === '-I') method = 'HEAD';
    else if (word === '-o') words.shift();
    else if (word.startsWith('-')) throw new Error(`curl: expected -H, -d, -I or -o, got ${word}`);
    else url = word;
  }
  return { url, init: { method, headers, ...(body === undefined ? {} : { body }) } };
}

test('there are lines to run', () => {
  expect(lines.length).toBeGreaterThanOrEqual(8);
});

test.each(lines)('%s: %s', async (_file, line) => {
  const { url, init } = requestOf(line);
  const response = await fetch(url.replace('http://localhost:8787', server.url), init);
  expect([response.status, init.method === 'HEAD' ? 'none' : (await response.text()).slice(0, 200)]).toEqual([
    expect.toSatisfy((status: number) => status === 200 || (status === 304 && line.includes('If-None-Match'))),
    expect.any(String),
  ]);
});
