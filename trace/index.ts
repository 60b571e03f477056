// pocketgen/trace: TensorFlow.js functions as ONNX models. docs/trace.md says how, docs/trace-kernels.md what is covered.
export { UserError } from '../contract/errors.ts';
export { type Dimension, OPSET, type Storage } from './model.ts';
export { type ElementType, NEXT, type Tensors } from './record.ts';
export {
  type InputSpec,
  type InputSpecs,
  type TensorOf,
  type TensorSpec,
  type TensorsOf,
  type TracedModel,
  type TraceOptions,
  trace,
} from './trace.ts';
