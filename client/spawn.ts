// The worker that every bundler finds: Vite and webpack know this form, a plain module page and esbuild take worker.js next to
// the library's file. At the top of the library, as built files lie beside each other.

export const spawnWorker = (name: string): Worker =>
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name });
