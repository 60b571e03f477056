// Use without a network: registers the service worker, offers updates, and says "ready offline" only when the page, the
// runtime and the model are all on the device.
import type { RuntimeBuild } from '../../client/files/runtime.ts';
import type { RemoteFile } from '../../client/files/store.ts';
import { runtimeFiles } from '../files/runtime.ts';
import { store } from '../files/store.ts';

export interface Part {
  kept: boolean;
  bytes: number;
}

export interface Readiness {
  app: Part;
  runtime: Part;
  model: Part;
  ready: boolean;
}

/**
 * Registers sw.js next to the page; `onUpdate` gets a function that switches to the new version. It is told too where another tab has
 * switched: the files of this one's version are gone then.
 */
export async function registerWorker(onUpdate: (apply: () => void) => void): Promise<void> {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return;
  try {
    const registration = await navigator.serviceWorker.register(new URL('sw.js', document.baseURI), {
      updateViaCache: 'none',
    });
    let switching = false;
    const { serviceWorker } = navigator;
    const offer = () =>
      onUpdate(() => {
        // What was offered may run already, or have made way for a newer one.
        if (registration.waiting === null) return location.reload();
        switching = true;
        registration.waiting.postMessage('update');
      });
    // With no controller this is the first visit: nothing is being replaced.
    let replaced = serviceWorker.controller !== null;
    serviceWorker.addEventListener('controllerchange', () => {
      if (switching) return location.reload();
      if (replaced) offer();
      replaced = true;
    });
    if (registration.waiting !== null && serviceWorker.controller !== null) offer();
    registration.addEventListener('updatefound', () => {
      const worker = registration.installing;
      worker?.addEventListener('statechange', () => {
        if (worker.state === 'installed' && serviceWorker.controller !== null) offer();
      });
    });
  } catch {
    // Blocked (private window, policy): the page works, and is not ready offline.
  }
}

/** The page's own files, in Workbox's precache. */
async function appPart(): Promise<Part> {
  const missing = { kept: false, bytes: 0 };
  if (!('serviceWorker' in navigator) || !('caches' in globalThis)) return missing;
  try {
    const registration = await navigator.serviceWorker.getRegistration();
    if (registration?.active === null || registration === undefined) return missing;
    const name = (await caches.keys()).find(
      (key) => key.startsWith('workbox-precache') && key.endsWith(registration.scope),
    );
    if (name === undefined) return missing;
    const cache = await caches.open(name);
    let bytes = 0;
    for (const request of await cache.keys()) bytes += (await (await cache.match(request))?.blob())?.size ?? 0;
    return { kept: bytes > 0, bytes };
  } catch {
    return missing; // a browser that blocks what sites keep refuses even to be asked
  }
}

export async function readiness(
  build: RuntimeBuild,
  model: { file: RemoteFile; isKept(): Promise<boolean> },
): Promise<Readiness> {
  const { script, loader, binary } = runtimeFiles(build);
  const files = [script, loader, binary];
  const runtime = {
    kept: (await Promise.all(files.map(store.isKept))).every(Boolean),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  };
  const modelPart = { kept: await model.isKept(), bytes: model.file.bytes };
  const app = await appPart();
  return { app, runtime, model: modelPart, ready: app.kept && runtime.kept && modelPart.kept };
}
