// Vite plugin: the page asks for its typeface right away, so that it is there before the first text is drawn. It is shown
// only then (font-display: optional): a later change of letters would move everything.
import type { Plugin } from 'vite';

export function fontsPlugin(): Plugin {
  return {
    name: 'pocketgen-fonts',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const font = Object.keys(bundle ?? {}).find((name) => /latin-wght-normal.*\.woff2$/.test(name));
        if (font === undefined) return [];
        const attrs = { rel: 'preload', href: `./${font}`, as: 'font', type: 'font/woff2', crossorigin: '' };
        return [{ tag: 'link', attrs, injectTo: 'head' }];
      },
    },
  };
}
