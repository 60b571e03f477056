// `node --import`: the entries of `pocketgen` are this repository's sources, for programs that import them as its users do.
import { registerHooks } from 'node:module';

const ENTRIES: Record<string, string> = { 'pocketgen/edge': 'edge/index.ts', 'pocketgen/edge/node': 'edge/node.ts' };

registerHooks({
  resolve(specifier, context, next) {
    const entry = ENTRIES[specifier];
    return next(entry === undefined ? specifier : new URL(`../../${entry}`, import.meta.url).href, context);
  },
});
