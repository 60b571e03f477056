// Vite plugin: `_headers`, which Workers static assets (and several static hosts) read. Cross-origin isolation is what
// lets wasm use threads; files with a hash in their name never change.
import type { Plugin } from 'vite';
import { edgeOf } from './edge.ts';

export const PAGE_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
} as const;

/** What the page does and nothing else: its own scripts, wasm and workers, files of this site, pictures it makes. */
export function policyFor(edge: string): string {
  const elsewhere = /^https?:\/\//.test(edge) ? ` ${edge}` : '';
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    `connect-src 'self'${elsewhere}`,
    `img-src 'self' data: blob:${elsewhere}`,
    "style-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
}
export const PAGE_POLICY = policyFor(edgeOf(process.env.POCKETGEN_EDGE));

const FILE = `/*
  Content-Security-Policy: ${PAGE_POLICY}
${Object.entries(PAGE_HEADERS)
  .map(([name, value]) => `  ${name}: ${value}`)
  .join('\n')}
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
/
  Cache-Control: no-cache
/index.html
  Cache-Control: no-cache
/assets/*
  Cache-Control: public, max-age=31536000, immutable
/sw.js
  Cache-Control: no-cache
/models/*
  Cache-Control: no-cache
  Access-Control-Allow-Origin: *
`;

export function headersPlugin(): Plugin {
  return {
    name: 'pocketgen-headers',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '_headers', source: FILE });
      // Compressed copies are for servers that cannot compress; Workers compress by themselves.
      this.emitFile({ type: 'asset', fileName: '.assetsignore', source: '*.br\n' });
    },
  };
}
