// ONNX Runtime's own types fit the contract's structural ones, and its interfaces its schemas (this file fails to compile
// otherwise).
import type * as Node from 'onnxruntime-node';
import type * as Web from 'onnxruntime-web/wasm';
import { expectTypeOf, test } from 'vitest';
import type * as z from 'zod/mini';
import type { SessionLike, TensorConstructor } from '../../contract/generator.ts';
import type { Manifest, manifestSchema } from '../../contract/manifest.ts';

test('sessions and tensors of onnxruntime-web and onnxruntime-node are what createGenerator takes', () => {
  expectTypeOf<Web.InferenceSession>().toExtend<SessionLike>();
  expectTypeOf<typeof Web.Tensor>().toExtend<TensorConstructor>();
  expectTypeOf<Node.InferenceSession>().toExtend<SessionLike>();
  expectTypeOf<typeof Node.Tensor>().toExtend<TensorConstructor>();
});

test('the interface of a manifest says what its schema checks', () => {
  type Checked = z.infer<typeof manifestSchema>;
  // Metrics may hold further keys, which zod's type says in other words.
  expectTypeOf<Omit<Manifest, 'metrics'>>().toEqualTypeOf<Omit<Checked, 'metrics'>>();
  expectTypeOf<Manifest['metrics']>().toExtend<Checked['metrics']>();
  expectTypeOf<Checked['metrics']>().toExtend<Manifest['metrics']>();
});
