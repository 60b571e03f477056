// The kernels of tfjs 4.22 that have no ONNX mapping, each with its reason. With KERNELS of backend.ts these are all there are:
// tests/fast/trace-coverage.test.ts holds that, and docs/trace-kernels.md is written from both.

const DATA = 'the size of its result depends on values, and a graph has sizes before it has values';
const COMPLEX = 'complex numbers: ONNX has the type and next to no operators on it';
const STRINGS = 'strings, which are prepared outside a graph of numbers';

/** Kernel → why it cannot be traced, as the error says it. */
export const UNCOVERED: Readonly<Record<string, string>> = {
  BitwiseAnd: 'ONNX has it since opset 18, and models are written in opset 17',
  BroadcastArgs: 'computes a shape from values',
  Complex: COMPLEX,
  ComplexAbs: COMPLEX,
  Draw: 'draws on a canvas of the page',
  FFT: COMPLEX,
  FromPixels: 'reads a picture of the page: hand its pixels in as an input',
  IFFT: COMPLEX,
  Imag: COMPLEX,
  Multinomial: 'draws random numbers: hand them in as an input',
  NonMaxSuppressionV3: DATA,
  NonMaxSuppressionV4: DATA,
  NonMaxSuppressionV5: DATA,
  RaggedGather: DATA,
  RaggedRange: DATA,
  RaggedTensorToTensor: DATA,
  Real: COMPLEX,
  SparseFillEmptyRows: DATA,
  SparseReshape: 'computes a shape from values',
  SparseSegmentMean: DATA,
  SparseSegmentSum: DATA,
  StaticRegexReplace: STRINGS,
  StringNGrams: STRINGS,
  StringSplit: STRINGS,
  StringToHashBucketFast: STRINGS,
  Unique: DATA,
};

/** Names that tfjs has and no op of its own calls → the op that one would look for, which calls other kernels and is traced. */
export const NEVER_CALLED: Readonly<Record<string, string>> = {
  BroadcastTo: 'tf.broadcastTo',
  LogSoftmax: 'tf.logSoftmax',
  LogicalXor: 'tf.logicalXor',
  LowerBound: 'tf.lowerBound',
  MatrixBandPart: 'tf.linalg.bandPart',
  Pool: 'tf.pool',
  UpperBound: 'tf.upperBound',
};
