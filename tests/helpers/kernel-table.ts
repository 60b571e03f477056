// docs/trace-kernels.md, written from the mappings themselves: which operators each one records, and why the others have none.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { BACKEND_NAME, KERNELS, traceBackend } from '../../trace/backend.ts';
import { OPSET, trace } from '../../trace/index.ts';
import { NEVER_CALLED, UNCOVERED } from '../../trace/kernels/uncovered.ts';
import type { KernelCase, Sample } from './kernel-case.ts';
import { kernelCases } from './kernel-cases.ts';

/** Samples of a case that are looked at; always the same ones. */
const SAMPLES = { seed: 1, numRuns: 5 };

/** The operators that a mapping records for operands that are inputs, in both lowerings. */
async function operatorsOf(kernel: string, { samples }: KernelCase): Promise<string[]> {
  const backend = traceBackend();
  const config = tf.getKernel(kernel, BACKEND_NAME);
  const { kernelFunc } = config;
  const seen = new Set<string>();
  config.kernelFunc = (args) => {
    const { g } = backend;
    const { node } = g;
    g.node = (op, ...rest) => {
      seen.add(op);
      return node(op, ...rest);
    };
    try {
      return kernelFunc(args);
    } finally {
      g.node = node;
    }
  };
  try {
    for (const sample of fc.sample(samples, SAMPLES)) {
      for (const lowering of ['conv', 'gemm'] as const) await traceSample(sample, lowering);
    }
  } finally {
    config.kernelFunc = kernelFunc;
  }
  return [...seen].sort();
}

async function traceSample({ operands, run }: Sample, lowering: 'conv' | 'gemm'): Promise<void> {
  const inputs = Object.fromEntries(operands.map(({ shape, dtype }, i) => [`x${i}`, { shape, dtype }]));
  await trace(
    (given) => {
      const result = run(operands.map((_, i) => given[`x${i}`] as tf.Tensor));
      return Array.isArray(result) ? result : [result];
    },
    inputs,
    { lowering },
  );
}

const rows = (entries: readonly (readonly [string, string])[]): string =>
  entries
    .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([kernel, what]) => `| \`${kernel}\` | ${what} |`)
    .join('\n');

/** The whole document. */
export async function kernelTable(): Promise<string> {
  const covered: [string, string][] = [];
  for (const [kernel, kernelCase] of Object.entries(kernelCases)) {
    const operators = await operatorsOf(kernel, kernelCase);
    covered.push([kernel, operators.join(', ') || 'none: known while tracing']);
  }
  const [mapped, refused, never] = [KERNELS, UNCOVERED, NEVER_CALLED].map((table) => Object.keys(table).length);
  const all = (mapped ?? 0) + (refused ?? 0) + (never ?? 0);
  return `# Kernels of TensorFlow.js in \`pocketgen/trace\`

Written by \`node scripts/trace-kernels.ts\` (Node 22) from the mappings; a test holds it true.

TensorFlow.js ${tf.version_core} has ${all} kernels, those of gradients and fused layers among them. **${mapped} are traced**, ${never} are
called by no op of tfjs, ${refused} are refused with their reason. Operators are those of ONNX opset ${OPSET}, no others.

## Traced

Each is tested against tfjs's cpu backend on random shapes, attributes and element types, run by onnxruntime
(\`tests/fast/trace-kernels.test.ts\`). The operators are those seen in some samples, both lowerings together: which of them a
call records depends on its attributes, and identities are left out.

| kernel | ONNX operators |
|---|---|
${rows(covered)}

## Called by no op

tfjs knows these names; the op one would look for calls other kernels, and is traced.

| kernel | op |
|---|---|
${rows(Object.entries(NEVER_CALLED).map(([kernel, op]) => [kernel, `\`${op}\``]))}

## Refused

The error names the kernel, the op and the line that called it, and this reason.

| kernel | reason |
|---|---|
${rows(Object.entries(UNCOVERED))}
`;
}
