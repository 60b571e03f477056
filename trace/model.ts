// Writes a traced graph as an ONNX ModelProto.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { type Attribute, type ConstantData, type DType, type Graph, schedule, type Value } from './graph.ts';
import { quantise, toHalf } from './storage.ts';

/** Operator set of every model we write, and the IR version that goes with it (onnx/docs/Versioning.md). */
export const OPSET = 17;
const IR_VERSION = 8n;

export type Dimension = number | string;

type ConstantBytes = ConstantData | Int8Array | Uint16Array;

/** Constants below this many numbers (biases) stay float32: they weigh nothing and matter much. */
const SMALL = 256;
/** The largest number of float16. */
const MOST_HALF = 65_504;

/** A size known when the model runs: a factor times dimensions of inputs. */
export interface OpenSize {
  readonly factor: number;
  readonly of: readonly { readonly input: string; readonly axis: number }[];
}

/** A vector of sizes, some of them open. */
export type OpenShape = readonly (number | OpenSize)[];

export interface ModelOptions {
  readonly name: string;
  /** Replaces dimensions of inputs and outputs by names; see sizes.ts. */
  readonly dims?: (value: Value) => readonly Dimension[];
  /** Replaces the contents of constants; see sizes.ts. */
  readonly constants?: ReadonlyMap<number, ConstantData | OpenShape>;
  readonly description?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** How large float32 constants are stored; all arithmetic stays float32. Default `fp32`. */
  readonly storage?: Storage;
}

export type Storage = 'fp32' | 'fp16' | 'int8';

const DATA_TYPE: Record<DType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

/** What an input of a node is for; names initializers so that a viewer shows `Conv_3.weight`. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  Conv: ['x', 'weight', 'bias'],
  ConvTranspose: ['x', 'weight', 'bias'],
  BatchNormalization: ['x', 'scale', 'shift', 'mean', 'variance'],
  Gemm: ['a', 'weight', 'bias'],
  MatMul: ['a', 'weight'],
  Reshape: ['x', 'shape'],
  Expand: ['x', 'shape'],
  Gather: ['x', 'indices'],
  ReduceSum: ['x', 'axes'],
  Split: ['x', 'sizes'],
  Slice: ['x', 'starts', 'ends', 'axes'],
  Resize: ['x', 'roi', 'scales'],
  Pad: ['x', 'pads', 'fill'],
};

/** What fits no smaller storage keeps its own: a mask of −∞ has no scale, and float16 ends at 65,504. */
function storageFor(data: ConstantData, wanted: Storage): Storage {
  if (!(data instanceof Float32Array) || data.length < SMALL) return 'fp32';
  const fits = {
    fp32: () => true,
    fp16: (x: number) => !Number.isFinite(x) || Math.abs(x) <= MOST_HALF,
    int8: (x: number) => Number.isFinite(x),
  }[wanted];
  return data.every(fits) ? wanted : 'fp32';
}

/** The model as bytes, ready for onnxruntime. */
export function encodeModel(graph: Graph, options: ModelOptions): Uint8Array {
  const names = new Map<number, string>();
  const initializers: TensorProto[] = [];
  const nodes: NodeProto[] = [];
  /** Shapes of values inside the graph. */
  const told: ValueInfoProto[] = [];
  const counts = new Map<string, number>();
  const dims = options.dims ?? ((value: Value): readonly Dimension[] => value.shape);
  for (const { name, value } of graph.inputs) names.set(value.id, name);
  const given = [...graph.inputs, ...graph.outputs].map(({ name }) => name);
  /** What is made for a node is called by its name and a dot. */
  const isTaken = (name: string): boolean => given.some((one) => one === name || one.startsWith(`${name}.`));

  const nameInput = (value: Value, nodeName: string, role: string): string => {
    const known = names.get(value.id);
    if (known !== undefined) return known;
    if (value.source.kind !== 'constant') throw new Error(`model: ${nodeName} uses a value that was never computed`);
    const name = `${nodeName}.${role}`;
    names.set(value.id, name);
    const data = options.constants?.get(value.id) ?? value.source.data;
    if (isOpen(data)) {
      const add = (suffix: string, values: readonly number[]): string => {
        const raw = BigInt64Array.from(values, BigInt);
        initializers.push(encodeTensor(name + suffix, TensorProto_DataType.INT64, [values.length], raw));
        return name + suffix;
      };
      nodes.push(...encodeOpenShape(name, data, add));
      return name;
    }
    const storage = storageFor(data, options.storage ?? 'fp32');
    const add = (
      suffix: string,
      dataType: TensorProto_DataType,
      shape: readonly number[],
      raw: ConstantBytes,
    ): string => {
      initializers.push(encodeTensor(name + suffix, dataType, shape, raw));
      return name + suffix;
    };
    const node = (opType: string, input: string[], output: string, attribute: AttributeProto[]): void => {
      nodes.push(create(NodeProtoSchema, { name: output, opType, input, output: [output], attribute }));
    };
    const toFloat = [encodeAttribute('to', TensorProto_DataType.FLOAT)];
    // Stored small, restored by nodes over constants alone: run-times fold those when they load the model. int8 is
    // written as Cast and Mul because onnxruntime leaves DequantizeLinear unfolded.
    switch (storage) {
      case 'fp32':
        return add('', DATA_TYPE[value.dtype], value.shape, data);
      case 'fp16':
        node(
          'Cast',
          [add('.fp16', TensorProto_DataType.FLOAT16, value.shape, toHalf(data as Float32Array))],
          name,
          toFloat,
        );
        return name;
      case 'int8': {
        const axis = role === 'weight' && nodeName.startsWith('Conv_') ? 0 : value.shape.length - 1;
        const { levels, scales, scaleShape } = quantise(data as Float32Array, value.shape, axis);
        const stored = add('.int8', TensorProto_DataType.INT8, value.shape, levels);
        node('Cast', [stored], `${name}.levels`, toFloat);
        node('Mul', [`${name}.levels`, add('.scale', TensorProto_DataType.FLOAT, scaleShape, scales)], name, []);
        return name;
      }
      default:
        return storage satisfies never;
    }
  };
  const firstOutput = new Map<number, string>();
  for (const { name, value } of graph.outputs) {
    if (value.source.kind === 'node' && !firstOutput.has(value.id)) firstOutput.set(value.id, name);
  }
  /** Nodes of several outputs, by what they are made of: each stands once. */
  const several = new Map<string, string[]>();
  for (const value of schedule(graph)) {
    if (value.source.kind !== 'node') continue;
    const { op, inputs, attributes, output: position } = value.source.node;
    const key = `${op}(${inputs.map((v) => v.id)})${JSON.stringify(attributes)}/${position.of}`;
    const known = position.of > 1 ? several.get(key) : undefined;
    if (known) {
      // Its own name takes the place of one that nothing reads.
      const named = firstOutput.get(value.id) ?? known[position.at] ?? '';
      known[position.at] = named;
      names.set(value.id, named);
      continue;
    }
    let index = counts.get(op) ?? 0;
    while (isTaken(`${op}_${index}`)) index += 1;
    counts.set(op, index + 1);
    const name = `${op}_${index}`;
    const roles = ROLES[op] ?? [];
    const input = inputs.map((v, i) => nameInput(v, name, roles[i] ?? `input${i}`));
    const output = firstOutput.get(value.id) ?? name;
    names.set(value.id, output);
    const attribute = Object.entries(attributes).map(([key, a]) => encodeAttribute(key, a));
    // The operator's other outputs have names that nothing reads, or nothing yet.
    const outputs = Array.from({ length: position.of }, (_, i) => (i === position.at ? output : `${name}.${i}`));
    const made = create(NodeProtoSchema, { name, opType: op, input, output: outputs, attribute });
    nodes.push(made);
    // A size left open is lost in a reshape, and so in all that follows. Told of it, ONNX Runtime makes a session of two thousand nodes in
    // half the time (docs/LOG.md, 2026-11-29). What has a name of its own (sizes.ts) may differ from another of that name.
    const sizes = op === 'Reshape' ? dims(value) : [];
    if (sizes.some((d) => typeof d === 'string') && !sizes.some((d, i) => d === `size_${i}`))
      told.push(encodeInfo(output, value, sizes));
    if (position.of > 1) several.set(key, made.output);
  }
  for (const { name, value } of graph.outputs) {
    // An output that is an input, a constant or another output's value needs a node of its own.
    if (firstOutput.get(value.id) === name) continue;
    const input = [nameInput(value, name, 'value')];
    nodes.push(create(NodeProtoSchema, { name: `Identity_${name}`, opType: 'Identity', input, output: [name] }));
  }

  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'pocketgen',
    ...(options.description ? { docString: options.description } : {}),
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    graph: create(GraphProtoSchema, {
      name: options.name,
      node: nodes,
      initializer: initializers,
      valueInfo: told,
      input: graph.inputs.map(({ name, value }) => encodeInfo(name, value, dims(value))),
      output: graph.outputs.map(({ name, value }) => encodeInfo(name, value, dims(value))),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

const isOpen = (data: ConstantData | OpenShape): data is OpenShape => Array.isArray(data);

/** Shape of an input, times a factor, joined with the sizes that are known. */
function encodeOpenShape(
  name: string,
  sizes: OpenShape,
  constant: (suffix: string, values: readonly number[]) => string,
): NodeProto[] {
  const nodes: NodeProto[] = [];
  const add = (opType: string, input: string[], output: string, attribute: AttributeProto[] = []): string => {
    nodes.push(create(NodeProtoSchema, { name: output, opType, input, output: [output], attribute }));
    return output;
  };
  const size = (of: OpenSize, at: string): string => {
    const factors = of.of.map(({ input, axis }, i) =>
      add('Shape', [input], `${at}.size${i}`, [encodeAttribute('start', axis), encodeAttribute('end', axis + 1)]),
    );
    if (of.factor !== 1) factors.push(constant(`${at.slice(name.length)}.factor`, [of.factor]));
    return factors.reduce((a, b, i) => add('Mul', [a, b], `${at}.product${i}`));
  };
  const parts = sizes.map((part, i) =>
    typeof part === 'number' ? constant(`.${i}`, [part]) : size(part, `${name}.${i}`),
  );
  add('Concat', parts, name, [encodeAttribute('axis', 0)]);
  return nodes;
}

function encodeTensor(
  name: string,
  dataType: TensorProto_DataType,
  shape: readonly number[],
  data: ConstantBytes,
): TensorProto {
  // ONNX raw data is little-endian, as are the typed arrays of every machine JavaScript engines run on today.
  const rawData = new Uint8Array(data.byteLength);
  rawData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType, rawData });
}

function encodeInfo(name: string, value: Value, dims: readonly Dimension[]): ValueInfoProto {
  const dim = dims.map((d) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: DATA_TYPE[value.dtype],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

function encodeAttribute(name: string, attribute: Attribute): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof attribute === 'number') {
    return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(attribute) });
  }
  if (typeof attribute === 'string') {
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(attribute) });
  }
  if ('float' in attribute) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: attribute.float });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: attribute.map(BigInt) });
}
