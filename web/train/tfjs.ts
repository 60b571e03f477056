// What the trainer's worker has as tfjs (vite.config.ts): operations, their gradients and methods, which the tracer records. No
// backend, layers or converter comes along.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

export * from '@tensorflow/tfjs-core';
