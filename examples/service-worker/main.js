// The service worker first: all that the page loads from then on passes through it, and is there without a network too.
const { serviceWorker } = navigator;
await serviceWorker.register('./sw.js');
const controlled = new Promise((resolve) =>
  serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
);
if (serviceWorker.controller === null) await controlled;
const loadedBefore = performance.getEntriesByType('resource').map(({ name }) => name);
await (await caches.open('page-1')).addAll(['./', ...loadedBefore]);
await import('./app.js');
