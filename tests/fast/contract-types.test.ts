// ONNX Runtime's own types fit the contract's structural ones (this file fails to compile otherwise).
import type * as Node from 'onnxruntime-node';
import type * as Web from 'onnxruntime-web/wasm';
import { expectTypeOf, test } from 'vitest';
import type { SessionLike, TensorConstructor } from '../../contract/generator.ts';

test('sessions and tensors of onnxruntime-web and onnxruntime-node are what createGenerator takes', () => {
  expectTypeOf<Web.InferenceSession>().toExtend<SessionLike>();
  expectTypeOf<typeof Web.Tensor>().toExtend<TensorConstructor>();
  expectTypeOf<Node.InferenceSession>().toExtend<SessionLike>();
  expectTypeOf<typeof Node.Tensor>().toExtend<TensorConstructor>();
});
