// The service worker (sw.js): serves the page from its precache, and the runtime's files from where the page keeps them.
// Models are read by the page itself, which checks their hashes.
import { cleanupOutdatedCaches, precacheAndRoute } from 'workbox-precaching';
import { registerRoute } from 'workbox-routing';

const scope = self as unknown as ServiceWorkerGlobalScope;

cleanupOutdatedCaches();
// The page's state is behind `#`, but links pass through sites that add a query.
precacheAndRoute(__PRECACHE__, { ignoreURLParametersMatching: [/./] });

// assets/ort…: content-hashed names, kept by the page under the same path with ?sha256=….
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && /\/assets\/ort[.-]/.test(url.pathname),
  async ({ request }) => (await caches.match(request, { ignoreSearch: true })) ?? fetch(request),
);

// A new version waits until the person agrees to it.
scope.addEventListener('message', (event) => {
  if (event.data === 'update') void scope.skipWaiting();
});
// The first visit needs no reload to work offline.
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
