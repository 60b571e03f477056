// The kernels in which tfjs (its layers above all) runs a product, a bias and an activation as one: taken apart again, because
// ONNX run-times fuse by themselves. A bias joins its Conv or Gemm where traced.ts can put it there.
import { mapBinary, type Traced } from '../traced.ts';
import { conv } from './conv.ts';
import { groupedConv } from './conv-grouped.ts';
import { elementwise } from './elementwise.ts';
import { math } from './math.ts';
import { shape } from './shape.ts';
import type { Kernel, KernelCall, KernelTable } from './table.ts';

/** tfjs's names of activations, and the kernel each one is. */
const ACTIVATIONS: Readonly<Record<string, Kernel | undefined>> = {
  relu: elementwise.Relu,
  relu6: math.Relu6,
  elu: elementwise.Elu,
  sigmoid: elementwise.Sigmoid,
  leakyrelu: elementwise.LeakyRelu,
  prelu: elementwise.Prelu,
};

function activated(call: KernelCall, x: Traced): Traced | Traced[] {
  const name = String(call.attrs.activation ?? 'linear');
  if (name === 'linear') return x;
  const kernel = ACTIVATIONS[name];
  if (!kernel) {
    const known = ['linear', ...Object.keys(ACTIVATIONS)].join(', ');
    throw new Error(`fused activation: expected one of ${known}, got ${name}`);
  }
  return kernel({
    ...call,
    attrs: { alpha: call.attrs.leakyreluAlpha },
    input: (wanted) => (wanted === 'alpha' ? call.input('preluActivationWeights') : x),
  });
}

const fused =
  (product: Kernel | undefined): Kernel =>
  (call) => {
    const result = product?.(call);
    if (!result || Array.isArray(result)) throw new Error('fused kernel: expected a product of one tensor');
    return activated(call, call.has('bias') ? mapBinary(call.g, 'Add', result, call.input('bias')) : result);
  };

export const fusedKernels: KernelTable = {
  _FusedMatMul: fused(shape.BatchMatMul),
  FusedConv2D: fused(conv.Conv2D),
  FusedDepthwiseConv2D: fused(groupedConv.DepthwiseConv2dNative),
};
