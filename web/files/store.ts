// What the page keeps on the device: networks and runtimes, the list of models and manifests, bundles a person brought along.
import { createStore, FILES } from '../../client/files/store.ts';

export const store = createStore({ cache: FILES });
export const ownBundles = createStore({ cache: 'pocketgen-own' });

/** True once something was not kept for want of room: the page works, and is not ready offline. */
export const isFull = (): boolean => [store, ownBundles].some((one) => one.isFull());

/** What to do where a file of the site is not to be had. */
export const HINT = "copy all of the page's folder to the host";
