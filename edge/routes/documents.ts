// GET /openapi.json and /docs: the API for machines and for people. The page is plain HTML of our own, no scripts.
import type { Hono } from 'hono';
import { html, raw } from 'hono/html';
import * as z from 'zod';
import { sha256Hex } from '../../contract/bundle.ts';
import { LIMITS } from '../../contract/limits.ts';
import { versionedName } from '../../contract/version.ts';
import { type Endpoint, exampleFor } from '../endpoint.ts';
import type { ModelEntry } from '../models.ts';
import { openApi } from '../openapi.ts';
import { fieldsOf, inWords, readQuery } from '../parameters.ts';
import { STATUSES } from '../problem.ts';
import type { AppEnv, Services } from '../services.ts';

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: .875rem/1.5 ui-monospace, monospace }
pre { overflow-x: auto; padding: .5rem .75rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .375rem }
table { border-collapse: collapse; width: 100%; font-size: .9375rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
img { image-rendering: pixelated; background: repeating-conic-gradient(#d9d9d9 0 25%, #fff 0 50%) 0 0 / 16px 16px }
h2 { margin-top: 2.5rem } h3 { margin-top: 2rem }`;

function base64OfHex(hex: string): string {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))));
}

/** Pictures are shown, and examples given, of so many models: each that is shown must be opened. */
const SHOWN = 12;
const SEEDS = [1, 2, 3, 4, 5, 6];

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl(base: string, endpoint: Endpoint, model: ModelEntry, latentSize: number | undefined): string {
  const { path, body } = exampleFor(endpoint, model, latentSize);
  const url = quoted(`${base}${path}`);
  if (endpoint.upload !== undefined) return `curl --data-binary @picture.png ${url}`;
  if (endpoint.form !== undefined)
    return `curl ${endpoint.form.map((name) => `-F ${name}=@${name}.png`).join(' ')} -o completed.png ${url}`;
  if (body !== undefined) return `curl ${url} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`;
  const format = /\.(png|svg|gif|apng)$/.exec(endpoint.path)?.[1];
  return format === undefined ? `curl ${url}` : `curl -o picture.${format} ${url}`;
}

function parameterTable({ query, body }: Endpoint) {
  const schema = query ?? body;
  if (schema === undefined || fieldsOf(schema).size === 0) return '';
  const rows = [...fieldsOf(schema)].map(
    ([name, field]) =>
      html`<tr><td><code>${name}</code></td><td>${inWords(field)}${field.default === undefined ? '' : `; ${field.default} if absent`}</td><td>${field.description ?? ''}</td></tr>`,
  );
  return html`<table><thead><tr><th>Parameter</th><th>Expected</th><th></th></tr></thead><tbody>${rows}</tbody></table>`;
}

export function documentRoutes(app: Hono<AppEnv>, services: Services, endpoints: readonly Endpoint[]): void {
  const { models, keys, addresses } = services;
  let policy: string | undefined;

  app.get('/openapi.json', async (c) => {
    readQuery(z.object({}), new URL(c.req.url));
    const server = addresses.kept(c) || '/';
    return c.json(openApi(endpoints, await models.list(), { keys: keys !== undefined, server }), 200, {
      'Cache-Control': 'no-cache',
    });
  });

  app.get('/docs', async (c) => {
    const base = addresses.absolute(c);
    const url = new URL(c.req.url);
    readQuery(z.object({}), url);
    // Relative to this page, as its policy allows pictures of its own origin only: right behind every proxy.
    const up = '../'.repeat(/\/*$/.exec(url.pathname)?.[0].length ?? 0);
    const entries = await models.list();
    const manifestOf = ({ name }: ModelEntry) => models.lend(name, undefined, (loan) => loan.manifest());
    const examples = await Promise.all(
      entries.slice(0, SHOWN).map(async (entry) => ({ entry, manifest: await manifestOf(entry) })),
    );
    /** Of the first model that has what the endpoint needs. */
    const lineOf = (endpoint: Endpoint) => {
      const { needs } = endpoint;
      const works = examples.find(({ manifest }) => needs === undefined || manifest?.[needs] !== undefined);
      return works && html`<pre>${curl(base, endpoint, works.entry, works.manifest?.latent.size)}</pre>`;
    };
    policy ??= `default-src 'none'; img-src 'self'; style-src 'sha256-${base64OfHex(await sha256Hex(new TextEncoder().encode(STYLE)))}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    const sections = endpoints.map(
      (endpoint) =>
        html`<h3 id="${endpoint.id}"><code>${endpoint.method.toUpperCase()} ${endpoint.path}</code></h3>
<p>${endpoint.summary}</p>
${lineOf(endpoint) ?? ''}${parameterTable(endpoint)}`,
    );
    const list = entries.map(({ name, version, title, image, classes }, i) => {
      const address = (seed: number) => `${up}v1/images/${versionedName(name, version)}/${seed}.png?scale=2`;
      const pictures =
        i < SHOWN ? SEEDS.map((seed) => html`<img src="${address(seed)}" alt="Picture of seed ${seed}"> `) : [];
      const clear = image.channels === 4 ? ', transparent' : '';
      const labels = classes.length > 0 ? `; classes ${classes.join(', ')}` : '';
      return html`<li><code>${name}</code>, version <code>${version}</code>: ${title}, ${image.width}x${image.height}${clear}${labels}<br>
${pictures}</li>`;
    });
    const told = Object.entries({ ...STATUSES, 431: { meaning: 'an address and headers too long for the server' } });
    const meanings = told.map(
      ([status, { meaning }], i) =>
        html`${i > 0 ? '; ' : ''}<span id="status-${status}"><code>${status}</code></span> ${meaning}`,
    );
    const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pocketgen API</title><style>${raw(STYLE)}</style></head>
<body><h1>pocketgen API</h1>
<p>Pictures by seed: the same version of a model, seed, class and truncation give the same bytes for ever, so every picture can be
kept for ever (<code>ETag</code>, <code>304</code>). An address that names a model's version (<code>NAME@VERSION</code>)
never changes what it means; one that names the model alone gives whichever version is current, and says which in
<code>Content-Location</code>. Machine-readable: <a href="${up}openapi.json">openapi.json</a>.</p>
<h2 id="models">Models</h2><ul>${list}</ul>
<h2 id="routes">Routes</h2>${sections}
<h2 id="limits">Limits</h2>
<p>One answer has at most ${LIMITS.pixels} pixels, all its pictures or frames together. A body has at most ${LIMITS.bodyBytes} bytes;
a picture that is sent at most ${LIMITS.uploadBytes}, ${LIMITS.uploadPixels} pixels and ${LIMITS.uploadSide} pixels a side.</p>
<h2 id="errors">Errors</h2>
<p>Errors are <a href="https://www.rfc-editor.org/rfc/rfc9457">problem details</a>; <code>errors</code> has one entry per
wrong field with what was expected and what came. Unknown and repeated parameters are errors; nothing is clamped but
OpenAI’s <code>size</code>. The OpenAI route answers in OpenAI’s error shape.</p>
<p>${meanings}</p>
</body></html>`;
    return c.html(page, 200, { 'Content-Security-Policy': policy, 'Cache-Control': 'no-store' });
  });
}
