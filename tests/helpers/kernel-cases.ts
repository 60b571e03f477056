// One test case for each kernel with an ONNX mapping.
import { convCases } from './conv-cases.ts';
import { elementwiseCases } from './elementwise-cases.ts';
import type { KernelCase } from './kernel-case.ts';
import { mathCases, reduceCases } from './math-cases.ts';
import { normCases } from './norm-cases.ts';
import { indexCases, layoutCases, otherCases } from './place-cases.ts';
import { samplingCases } from './sampling-cases.ts';
import { shapeCases } from './shape-cases.ts';
import { windowCases } from './window-cases.ts';

export const kernelCases: Readonly<Record<string, KernelCase>> = {
  ...elementwiseCases,
  ...mathCases,
  ...shapeCases,
  ...layoutCases,
  ...indexCases,
  ...reduceCases,
  ...convCases,
  ...windowCases,
  ...normCases,
  ...otherCases,
  ...samplingCases,
};
