// Types of what Vite provides while it builds the page.
/// <reference types="vite/client" />

declare const __EDGE__: string;
declare const __PRECACHE__: import('./build/service-worker.ts').PrecacheEntry[];
