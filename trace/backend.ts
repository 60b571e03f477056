// A tfjs backend that computes nothing: each kernel records ONNX nodes. Whatever tfjs code runs on it, gradients
// included (autodiff calls kernels too), becomes a graph.
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import { createGraphBuilder, type DType, type GraphBuilder, type Value } from './graph.ts';
import { batchNorm } from './kernels/batch-norm.ts';
import { conv } from './kernels/conv.ts';
import { groupedConv } from './kernels/conv-grouped.ts';
import { dilation } from './kernels/dilation.ts';
import { elementwise } from './kernels/elementwise.ts';
import { fusedKernels } from './kernels/fused.ts';
import { indexing } from './kernels/indexing.ts';
import { layout } from './kernels/layout.ts';
import { responseNormalisation } from './kernels/lrn.ts';
import { math } from './kernels/math.ts';
import { pooling } from './kernels/pool.ts';
import { reductions } from './kernels/reduce.ts';
import { resizing } from './kernels/resize.ts';
import { sampling } from './kernels/sampling.ts';
import { shape } from './kernels/shape.ts';
import { dtypeOf, type KernelCall, type KernelTable, type Lowering } from './kernels/table.ts';
import { UNCOVERED } from './kernels/uncovered.ts';
import { cast, reshape } from './ops.ts';
import { place, placed } from './place.ts';
import { shapeOf, type Traced } from './traced.ts';

export const BACKEND_NAME = 'trace';

/** Every kernel with an ONNX mapping. */
export const KERNELS: KernelTable = {
  ...elementwise,
  ...math,
  ...shape,
  ...layout,
  ...reductions,
  ...indexing,
  ...conv,
  ...groupedConv,
  ...pooling,
  ...dilation,
  ...batchNorm,
  ...responseNormalisation,
  ...resizing,
  ...sampling,
  ...fusedKernels,
};

export class TraceBackend extends tf.KernelBackend {
  // Weak, so there is nothing to free: a traced tensor lives as long as tfjs holds its id.
  private data = new WeakMap<object, Traced>();
  private issued = new WeakSet<object>();
  private foreign = new WeakMap<object, Map<string, Value>>();
  private references = new WeakMap<object, number>();
  g: GraphBuilder = createGraphBuilder();
  lowering: Lowering = 'conv';
  /** The input that stands for a variable, by its data; absent where variables are constants. */
  variables: ((dataId: object) => Value | undefined) | undefined;

  /** Forgets every tensor and starts a new graph. */
  begin(lowering: Lowering): GraphBuilder {
    this.data = new WeakMap();
    this.foreign = new WeakMap();
    this.g = createGraphBuilder();
    this.lowering = lowering;
    return this.g;
  }

  put(traced: Traced): tf.TensorInfo {
    const dataId = {};
    this.data.set(dataId, traced);
    this.issued.add(dataId);
    this.references.set(dataId, 1);
    const { dtype } = traced.value;
    if (dtype === 'int64') throw new Error('trace: expected float32, int32 or bool, which tfjs knows, got int64');
    return { dataId, shape: shapeOf(traced), dtype };
  }

  get(info: tf.TensorInfo): Traced {
    const traced = this.data.get(info.dataId);
    if (traced) return traced;
    if (this.issued.has(info.dataId)) {
      throw new UserError('trace: expected a tensor of this trace, got one of an earlier trace');
    }
    const variable = this.variables?.(info.dataId);
    if (variable) return { value: cast(this.g, reshape(this.g, variable, info.shape), dtypeOf(info.dtype)) };
    // A tensor of another backend, weights for instance: its values are a constant of this graph. Remembered by type and
    // shape too, because other tensors may share its data; an unrolled layer reads its weights at every step.
    const known = this.foreign.get(info.dataId) ?? new Map<string, Value>();
    this.foreign.set(info.dataId, known);
    const as = `${info.dtype} ${info.shape}`;
    const value = known.get(as) ?? this.constant(tf.engine().readSync(info.dataId), info.shape, info.dtype);
    known.set(as, value);
    return { value };
  }

  override write(values: tf.backend_util.BackendValues | null, shape: number[], dtype: tf.DataType): object {
    return this.put({ value: this.constant(values, shape, dtype) }).dataId;
  }

  private constant(values: tf.backend_util.BackendValues | null, shape: number[], dtype: tf.DataType) {
    if (!values || (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')) {
      throw new UserError(`trace: expected values of type float32, int32 or bool, got ${dtype}`);
    }
    const data = copyAs(dtype, values as Float32Array);
    const [first = 0] = data;
    return data.length > 0 && data.every((v) => Object.is(v, first))
      ? this.g.splat(Number(first), dtype, shape)
      : this.g.constant(data, dtype, shape);
  }

  override readSync(): never {
    throw new UserError(
      `trace: a traced tensor has no values, so dataSync() and control flow on values cannot be recorded (${place()}); ` +
        'write the choice with tf.where, or pass the value in as an input',
    );
  }

  override async read(): Promise<never> {
    return this.readSync();
  }

  // Counted for tfjs's sake: a variable shares its data with the tensor it was assigned.
  override disposeData(dataId: object): boolean {
    const left = this.refCount(dataId) - 1;
    this.references.set(dataId, left);
    return left <= 0;
  }
  override incRef(dataId: object): void {
    this.references.set(dataId, this.refCount(dataId) + 1);
  }
  override refCount(dataId: object): number {
    return this.references.get(dataId) ?? 0;
  }
  override numDataIds = (): number => 0;
  override memory = () => ({ unreliable: true, reasons: ['a traced tensor holds no values'] });
  override floatPrecision = (): 32 => 32;
  override epsilon = (): number => 1e-7;
  override timerAvailable = (): boolean => false;
  override dispose = (): void => {};
}

function copyAs(dtype: Exclude<DType, 'int64'>, values: ArrayLike<number>): Float32Array | Int32Array | Uint8Array {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    default:
      return dtype satisfies never;
  }
}

let instance: TraceBackend | undefined;

/** Registers the backend and its kernels with tfjs, once. */
export function traceBackend(): TraceBackend {
  if (instance) return instance;
  const backend = new TraceBackend();
  instance = backend;
  tf.registerBackend(BACKEND_NAME, () => backend, 0);
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND_NAME,
      kernelFunc: ({ inputs, attrs }) => {
        const traced = (info: tf.TensorInfo): Traced => backend.get(info);
        const call: KernelCall = {
          g: backend.g,
          lowering: backend.lowering,
          attrs: (attrs ?? {}) as Record<string, unknown>,
          list: Object.values(inputs).flatMap((info) => (info ? [traced(info as tf.TensorInfo)] : [])),
          has: (name) => inputs[name] !== undefined && inputs[name] !== null,
          input: (name) => {
            const info = inputs[name];
            if (!info || Array.isArray(info))
              throw new Error(`trace: kernel ${kernelName} was called without its ${name}`);
            return traced(info);
          },
        };
        const result = placed(kernelName, () => kernel(call));
        return Array.isArray(result) ? result.map((r) => backend.put(r)) : backend.put(result);
      },
    });
  }
  // Every other kernel tfjs has: an error that says which, from where and why, instead of tfjs's own about backends.
  for (const [kernelName, reason] of Object.entries(UNCOVERED)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND_NAME,
      kernelFunc: () => {
        throw new UserError(`trace: expected a kernel with an ONNX mapping, got ${kernelName} (${place()}); ${reason}`);
      },
    });
  }
  return backend;
}
