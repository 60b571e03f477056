// The network inside a model file, as a list of steps with shapes: what the "How it works" panel draws. Reads the ONNX
// graph and follows the shapes of the operators that generators are made of; others are listed without a shape.
import { fromBinary } from '@bufbuild/protobuf';
import { type AttributeProto, type GraphProto, ModelProtoSchema, type NodeProto, type TensorProto } from 'onnx-buf';

/** Without the batch: [features] or [channels, height, width]. */
export type Shape = readonly number[];

export interface Step {
  /** The ONNX operator's own name. */
  operator: string;
  /** Small operators that follow it (activations, additions), by name. */
  with: string[];
  shape: Shape | undefined;
  /** Learned numbers of the step. */
  parameters: number;
}

export interface Network {
  steps: Step[];
  nodes: number;
  parameters: number;
}

/** Operators worth a line of their own; the rest ride along with the one before. */
const MAIN = new Set([
  'Gemm',
  'MatMul',
  'Conv',
  'ConvTranspose',
  'Resize',
  'Upsample',
  'DepthToSpace',
  'Concat',
  'Add',
]);
/** Their second input says how, and was not learned. */
const UNLEARNED = new Set(['Resize', 'Upsample', 'Reshape']);

export function readNetwork(bytes: Uint8Array): Network {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  if (graph === undefined) return { steps: [], nodes: 0, parameters: 0 };
  return describe(graph);
}

function describe(graph: GraphProto): Network {
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const shapes = new Map<string, Shape>();
  for (const input of graph.input) {
    const dims = input.type?.value.case === 'tensorType' ? (input.type.value.value.shape?.dim ?? []) : [];
    shapes.set(
      input.name,
      dims.slice(1).map((dim) => (dim.value.case === 'dimValue' ? Number(dim.value.value) : 0)),
    );
  }
  // Weights stored small pass through Cast, DequantizeLinear or Mul: what is made of constants alone is a constant, of
  // the largest one's shape.
  const stored = new Set<NodeProto>();
  for (const node of graph.node) {
    const sources = node.input.filter((name) => name !== '').map((name) => tensors.get(name));
    const known = sources.filter((tensor) => tensor !== undefined);
    const [output] = node.output;
    if (output === undefined || known.length === 0 || known.length < sources.length) continue;
    stored.add(node);
    tensors.set(
      output,
      known.reduce((a, b) => (size(b) > size(a) ? b : a)),
    );
  }
  const counted = new Set<string>();
  const steps: Step[] = [];
  for (const node of graph.node) {
    if (stored.has(node)) continue;
    const shape = shapeOf(node, shapes, tensors);
    for (const output of node.output) if (shape !== undefined) shapes.set(output, shape);
    let parameters = 0;
    for (const name of UNLEARNED.has(node.opType) ? [] : node.input) {
      const tensor = tensors.get(name);
      if (tensor === undefined || counted.has(tensor.name)) continue;
      counted.add(tensor.name);
      parameters += size(tensor);
    }
    const last = steps.at(-1);
    if (MAIN.has(node.opType) && isLayer(node, tensors))
      steps.push({ operator: node.opType, with: [], shape, parameters });
    else if (last !== undefined) {
      last.with.push(node.opType);
      last.parameters += parameters;
      last.shape = shape ?? last.shape;
    }
  }
  return {
    steps,
    nodes: graph.node.length - stored.size,
    parameters: [...steps].reduce((sum, step) => sum + step.parameters, 0),
  };
}

/** An Add of a bias is part of the step before; an Add of two streams joins them. */
function isLayer(node: NodeProto, tensors: Map<string, TensorProto>): boolean {
  return node.opType !== 'Add' || !node.input.some((name) => tensors.has(name));
}

function size(tensor: TensorProto): number {
  // Shapes, numbers to compare with (int32, int64) and single constants are not learned.
  const constant = tensor.dataType === 6 || tensor.dataType === 7 || tensor.dims.length === 0;
  return constant ? 0 : tensor.dims.reduce((product, dim) => product * Number(dim), 1);
}

function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((one) => one.name === name);
}

function integers(node: NodeProto, name: string): number[] | undefined {
  return attribute(node, name)?.ints.map(Number);
}

/** Numbers of a small constant tensor (shapes, scales), or undefined. */
function values(tensor: TensorProto | undefined): number[] | undefined {
  if (tensor === undefined) return undefined;
  if (tensor.int64Data.length > 0) return tensor.int64Data.map(Number);
  if (tensor.floatData.length > 0) return [...tensor.floatData];
  const view = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.byteLength);
  if (tensor.dataType === 7)
    return Array.from({ length: view.byteLength / 8 }, (_, i) => Number(view.getBigInt64(i * 8, true)));
  if (tensor.dataType === 1) return Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
  return undefined;
}

function shapeOf(node: NodeProto, shapes: Map<string, Shape>, tensors: Map<string, TensorProto>): Shape | undefined {
  const input = shapes.get(node.input[0] ?? '');
  const weight = tensors.get(node.input[1] ?? '')?.dims.map(Number);
  switch (node.opType) {
    case 'Gemm': {
      const features = attribute(node, 'transB')?.i === 1n ? weight?.[0] : weight?.[1];
      return features === undefined ? undefined : [features];
    }
    case 'MatMul':
      return weight?.[1] === undefined ? undefined : [weight[1]];
    case 'Conv':
    case 'ConvTranspose':
      return convolved(node, input, weight);
    case 'Resize': {
      const scales = values(tensors.get(node.input[2] ?? ''));
      return input?.map((dim, i) => Math.floor(dim * (scales?.[i + 1] ?? 1)));
    }
    case 'DepthToSpace': {
      const block = Number(attribute(node, 'blocksize')?.i ?? 1n);
      const [channels = 0, height = 0, width = 0] = input ?? [];
      return [channels / block ** 2, height * block, width * block];
    }
    case 'Reshape':
      return values(tensors.get(node.input[1] ?? ''))?.slice(1);
    case 'Transpose': {
      const order = integers(node, 'perm');
      return order?.slice(1).map((axis) => input?.[axis - 1] ?? 0);
    }
    case 'Concat': {
      const parts = node.input.map((name) => shapes.get(name));
      const [first, ...rest] = parts;
      return first?.map((dim, i) => (i === 0 ? rest.reduce((sum, part) => sum + (part?.[0] ?? 0), dim) : dim));
    }
    default:
      // Element by element: the larger of the inputs that are known.
      return node.input
        .map((name) => shapes.get(name))
        .reduce((a, b) => ((b?.reduce((x, y) => x * y, 1) ?? 0) > (a?.reduce((x, y) => x * y, 1) ?? 0) ? b : a), input);
  }
}

function convolved(node: NodeProto, input: Shape | undefined, weight: number[] | undefined): Shape | undefined {
  if (input === undefined || weight === undefined) return undefined;
  const transposed = node.opType === 'ConvTranspose';
  const strides = integers(node, 'strides') ?? [1, 1];
  const pads = integers(node, 'pads') ?? [0, 0, 0, 0];
  const extra = integers(node, 'output_padding') ?? [0, 0];
  const groups = Number(attribute(node, 'group')?.i ?? 1n);
  const spatial = [0, 1].map((axis) => {
    const [size = 0, kernel = 1, stride = 1] = [input[axis + 1], weight[axis + 2], strides[axis]];
    const padding = (pads[axis] ?? 0) + (pads[axis + 2] ?? 0);
    return transposed
      ? (size - 1) * stride - padding + kernel + (extra[axis] ?? 0)
      : Math.floor((size + padding - kernel) / stride) + 1;
  });
  return [transposed ? (weight[1] ?? 0) * groups : (weight[0] ?? 0), ...spatial];
}
