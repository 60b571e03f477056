// Downloads one file from the first mirror that answers: resumes (RFC 9110 Range), checks, and renames into place only
// when whole, so that a killed download leaves at most `FILE.part` for the next run to go on from.
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../contract/errors.ts';
import type { LoadProgress } from './types.ts';

/** No mirror has answered after this long: there is no network worth waiting for. */
const connectMs = 4000;
/** A transfer that sends nothing for this long is given up; the next run resumes it. */
const stallMs = 20_000;

export interface DownloadRequest {
  mirrors: readonly string[];
  file: string;
  /** Final path; its folder is made. */
  path: string;
  /** Throws when the bytes are not those wanted. */
  check: (bytes: Uint8Array) => void;
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** Orders mirrors by who answers: the first to do so goes first, the others stay as fallbacks. */
export async function reachableMirrors(mirrors: readonly string[], file: string): Promise<string[]> {
  const probe = async (mirror: string): Promise<string> => {
    const url = urlOf(mirror, file);
    const response = await request(url, { method: 'HEAD', signal: AbortSignal.timeout(connectMs) }).catch((error) => {
      throw new Error(`${new URL(url).host}: ${reason(error)}`);
    });
    response.destroy();
    if (response.statusCode !== 200) throw new Error(`${new URL(url).host}: HTTP ${response.statusCode}`);
    return mirror;
  };
  try {
    const first = await Promise.any(mirrors.map(probe));
    return [first, ...mirrors.filter((mirror) => mirror !== first)];
  } catch (error) {
    const causes =
      error instanceof AggregateError ? error.errors.map((cause: Error) => cause.message) : [reason(error)];
    throw new UserError(`${file}: expected an answer from a mirror, got none (${causes.join('; ')})`);
  }
}

/** Fetches `file` to `path`, trying each mirror in turn. UserError when none gives the right bytes. */
export async function download({ mirrors, file, path, check, onProgress }: DownloadRequest): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw new UserError(`${dirname(path)}: expected a folder to write to, got ${reason(error)}`);
  });
  const part = `${path}.part`;
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const url = urlOf(mirror, file);
    try {
      const resumed = await transfer(url, part, file, onProgress);
      if (await passes(part, check)) return await rename(part, path);
      // The first half may have come from another mirror's differently compressed file: once more from the start.
      if (resumed) {
        await transfer(url, part, file, onProgress);
        if (await passes(part, check)) return await rename(part, path);
      }
      failures.push(`${url}: the wrong bytes came`);
    } catch (error) {
      failures.push(`${url}: ${reason(error)}`);
    }
  }
  throw new UserError(`${file}: expected a download to succeed, got: ${failures.join('; ')}`);
}

/** Downloads what `part` still lacks; true if it started from bytes already there. */
async function transfer(
  url: string,
  part: string,
  file: string,
  onProgress: DownloadRequest['onProgress'],
): Promise<boolean> {
  const have = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  const control = new AbortController();
  let timer = setTimeout(() => control.abort(new Error('no answer')), connectMs);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs);
  };
  try {
    // identity: a Range counts bytes of the file itself, not of some transfer encoding of it.
    const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
    const response = await request(url, { headers, signal: control.signal });
    const { statusCode } = response;
    if (statusCode === 416) {
      // Nothing lies beyond what is there: it is whole, or it is something else (the check tells, and deletes).
      response.destroy();
      return true;
    }
    const resumed = statusCode === 206;
    if (statusCode !== 200 && !resumed) throw new Error(`HTTP ${statusCode}`);
    if (resumed && !response.headers['content-range']?.startsWith(`bytes ${have}-`)) {
      throw new Error(`an answer for another range than bytes=${have}-`);
    }
    let received = resumed ? have : 0;
    const length = response.headers['content-length'];
    const total = length === undefined ? {} : { total: Number(length) + received };
    alive();
    await pipeline(
      response,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          alive();
          received += chunk.length;
          onProgress?.({ kind: 'download', file, received, ...total });
          yield chunk;
        }
      },
      createWriteStream(part, { flags: resumed ? 'a' : 'w' }),
    );
    if (total.total !== undefined && received !== total.total)
      throw new Error(`${received} of ${total.total} bytes, then the line was cut`);
    return resumed;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * GET or HEAD, following redirects. Not `fetch`: Node 22's ends the process with an assertion when a server closes the
 * connection while the reader is behind (https://github.com/nodejs/undici/issues/5360), as HTTP/1.0 servers always do.
 */
async function request(url: string, options: http.RequestOptions, redirects = 5): Promise<http.IncomingMessage> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const get = url.startsWith('https:') ? https.request : http.request;
    get(url, options, resolve).on('error', reject).end();
  });
  const { statusCode = 0, headers } = response;
  if (statusCode < 300 || statusCode >= 400 || headers.location === undefined) return response;
  response.destroy();
  if (redirects === 0) throw new Error('too many redirects');
  return request(new URL(headers.location, url).href, options, redirects - 1);
}

/** Checks the whole download; a wrong one is deleted, because resuming it could never make it right. */
async function passes(part: string, check: DownloadRequest['check']): Promise<boolean> {
  try {
    check(await readFile(part));
    return true;
  } catch {
    await rm(part, { force: true });
    return false;
  }
}

const urlOf = (mirror: string, file: string): string =>
  new URL(file, mirror.endsWith('/') ? mirror : `${mirror}/`).href;

/** The innermost cause: a time-out comes wrapped in a bare "operation was aborted". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${connectMs / 1000} s`;
  return error.cause instanceof Error
    ? reason(error.cause)
    : error.message || (error as NodeJS.ErrnoException).code || error.name;
}
