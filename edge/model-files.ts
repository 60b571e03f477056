// The bundles' files for the page: models/index.json and models/NAME/…, of the same store that the API draws from.
// A static host has them as files, made by the page's build.
import type { Hono } from 'hono';
import { sha256Hex } from '../contract/bundle.ts';
import { splitVersion } from '../contract/version.ts';
import { matches } from './answer.ts';
import { segmentsOf } from './endpoint.ts';
import { Problem } from './problem.ts';
import type { AppEnv, ModelFiles } from './services.ts';

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  png: 'image/png',
  md: 'text/markdown; charset=utf-8',
  onnx: 'application/octet-stream',
};

export function addModelFiles(app: Hono<AppEnv>, files: ModelFiles): void {
  app.get('/models/index.json', async (c) => c.json(await files.pageList(), 200, { 'Cache-Control': 'no-store' }));

  app.get('/models/:name/:file', async (c) => {
    const [, named = '', path = ''] = segmentsOf(c);
    const absent = () => new Problem(404, `models: expected a file of a bundle served here, got ${named}/${path}`);
    const { name, version } = splitVersion(named);
    const file = await files.file(name, version, path);
    if (file === undefined) throw absent();
    const headers = {
      'Content-Type': TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      'Cache-Control': 'no-cache',
      ETag: `"${file instanceof Uint8Array ? (await sha256Hex(file)).slice(0, 32) : file.etag}"`,
    };
    if (matches(c.req.header('If-None-Match'), headers.ETag)) return new Response(null, { status: 304, headers });
    if (c.req.method === 'HEAD') return new Response(null, { headers });
    const body = file instanceof Uint8Array ? file : await file.body();
    if (body === undefined) throw absent();
    return new Response(body, { headers });
  });
}
