// tfjs's wasm backend with the one kernel it lacks for training, Conv2DBackpropFilter, written from those it has. Only the
// benchmark uses this: it makes the opponent as strong as it can be without writing C++.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

type Inputs = Readonly<Record<string, tf.Tensor>>;
type Attributes = Readonly<Record<string, unknown>>;
function input(inputs: Inputs, name: string): tf.Tensor {
  const found = inputs[name];
  if (!found) throw new Error(`kernel: expected an input named ${name}`);
  return found;
}

/** One matrix product for each place of the kernel: x moved by that place, transposed, times dy. */
function filterGradient(inputs: Inputs, { strides, pad, filterShape }: Attributes): tf.Tensor {
  const [x, dy] = [input(inputs, 'x'), input(inputs, 'dy')];
  const shape = filterShape as [number, number, number, number];
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    shape,
    strides as [number, number],
    1,
    pad as number,
  );
  const { padInfo, batchSize, outHeight, outWidth, strideHeight, strideWidth, inChannels, outChannels } = info;
  const padded = tf.pad(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const rows = batchSize * outHeight * outWidth;
  const right = tf.reshape(dy, [rows, outChannels]) as tf.Tensor2D;
  const products: tf.Tensor[] = [];
  for (let i = 0; i < shape[0]; i++) {
    for (let j = 0; j < shape[1]; j++) {
      const end = [batchSize, i + (outHeight - 1) * strideHeight + 1, j + (outWidth - 1) * strideWidth + 1, inChannels];
      const seen = tf.stridedSlice(padded, [0, i, j, 0], end, [1, strideHeight, strideWidth, 1]);
      products.push(tf.matMul(tf.reshape(seen, [rows, inChannels]) as tf.Tensor2D, right, true, false));
    }
  }
  return tf.reshape(tf.stack(products), shape);
}

const KERNEL = 'Conv2DBackpropFilter';

/** Starts the backend and gives it the kernel, if it still lacks it; says which it was. */
export async function startWasm(): Promise<string | undefined> {
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs: expected the wasm backend to start');
  if (tf.getKernelsForBackend('wasm').some(({ kernelName }) => kernelName === KERNEL)) return undefined;
  tf.registerKernel({
    kernelName: KERNEL,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const tensors = Object.fromEntries(
        Object.entries(inputs).map(([name, info]) => {
          if (!info || Array.isArray(info)) throw new Error(`${KERNEL}: expected one tensor as ${name}`);
          // A second handle on the same data, so that the ops above do not own the caller's tensor.
          (tf.backend() as unknown as { incRef(id: object): void }).incRef(info.dataId);
          return [name, tf.engine().makeTensorFromTensorInfo(info)];
        }),
      );
      return tf.tidy(() => filterGradient(tensors, (attrs ?? {}) as Attributes));
    },
  });
  return KERNEL;
}
