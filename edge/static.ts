// The page's files on Node, as Workers static assets serve them: `_headers` is obeyed, `.br` copies are sent to those
// who accept them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Hono } from 'hono';
import type { AppEnv } from './services.ts';

interface Rule {
  pattern: RegExp;
  headers: [string, string][];
}

/** Cloudflare's `_headers`: a line with a path (`*` stands for anything), then its headers, indented. */
export function parseHeaders(text: string): Rule[] {
  const rules: Rule[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const header = /^\s+([^:\s]+):\s*(.*)$/.exec(line);
    if (header === null) {
      const source = line
        .trim()
        .split('*')
        .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
        .join('.*');
      rules.push({ pattern: new RegExp(`^${source}$`), headers: [] });
    } else {
      rules.at(-1)?.headers.push([header[1] ?? '', (header[2] ?? '').trim()]);
    }
  }
  return rules;
}

/** Adds the page to the app, after the API's routes. False if `folder` holds no page. */
export function addPage(app: Hono<AppEnv>, folder: string): boolean {
  if (!existsSync(join(folder, 'index.html'))) return false;
  const file = join(folder, '_headers');
  const rules = existsSync(file) ? parseHeaders(readFileSync(file, 'utf8')) : [];
  app.use('*', async (c, next) => {
    // Models are those of the server's folder (model-files.ts), not of the day the page was built.
    if (/\.br$|\/_headers$|\/\.assetsignore$|^\/models\//.test(c.req.path)) return next();
    return files(c, next);
  });
  const files = serveStatic<AppEnv>({
    root: folder,
    precompressed: true,
    onFound(_path, c) {
      c.set('pocketgen.page', true);
      for (const { pattern, headers } of rules)
        if (pattern.test(c.req.path)) for (const [name, value] of headers) c.header(name, value);
    },
  });
  return true;
}
