// Serves a report while its run trains: the page, its data anew at every request, and the sample grids.
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { UserError } from '../../contract/errors.ts';
import { RUN } from '../store/files.ts';
import { type ReportData, readReport } from './data.ts';
import { reportPage } from './page.ts';

/** @returns where it listens; it does so until `close` */
export async function watchReport(dir: string, port: number): Promise<{ url: string; close: () => Promise<void> }> {
  const data = async (): Promise<ReportData> => {
    const report = await readReport(dir);
    const served = (sheets: ReportData['samples']) =>
      sheets.map((sheet) => ({ ...sheet, source: `samples/${sheet.source}` }));
    return { ...report, samples: served(report.samples), again: served(report.again) };
  };
  await data(); // not a run folder: say so now, not at the first request
  const app = new Hono();
  app.get('/', async (c) => c.html(reportPage(await data(), true)));
  app.get('/data.json', async (c) => c.json(await data()));
  app.get('/samples/:name{[0-9]+(?:-again)?\\.png}', async (c) => {
    const bytes = await readFile(join(dir, RUN.samples, c.req.param('name'))).catch(() => undefined);
    return bytes ? c.body(new Uint8Array(bytes), 200, { 'content-type': 'image/png' }) : c.notFound();
  });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: 'localhost' }, (info: AddressInfo) =>
      resolve({
        url: `http://localhost:${info.port}`,
        close: () => new Promise((done) => server.close(() => done())),
      }),
    );
    server.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new UserError(`port: expected a free one, got ${port} which is in use; choose another with --port`)
          : error,
      ),
    );
  });
}
