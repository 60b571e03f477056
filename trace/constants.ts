// Reads back the constants of a model that model.ts has written.
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto, TensorProto_DataType } from 'onnx-buf';
import { fromHalf } from './storage.ts';

export interface Constant {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An own buffer, as views of two and four bytes want an aligned start. */
const bytesOf = ({ rawData }: TensorProto): ArrayBuffer => Uint8Array.from(rawData).buffer;

/** Float32 constants by name, as the model computes with them, however they are stored. */
export function readConstants(model: Uint8Array): Record<string, Constant> {
  const tensors = fromBinary(ModelProtoSchema, model).graph?.initializer ?? [];
  const floats = (tensor: TensorProto): Float32Array => new Float32Array(bytesOf(tensor));
  const isScale = (name: string): boolean =>
    name.endsWith('.scale') && tensors.some((other) => other.name === name.replace(/scale$/, 'int8'));
  const constants: Record<string, Constant> = {};
  for (const tensor of tensors) {
    const { name, dataType } = tensor;
    const shape = tensor.dims.map(Number);
    if (dataType === TensorProto_DataType.FLOAT && !isScale(name)) {
      constants[name] = { shape, data: floats(tensor) };
    } else if (dataType === TensorProto_DataType.FLOAT16) {
      constants[name.replace(/\.fp16$/, '')] = { shape, data: fromHalf(new Uint16Array(bytesOf(tensor))) };
    } else if (dataType === TensorProto_DataType.INT8) {
      const base = name.replace(/\.int8$/, '');
      const scale = tensors.find((other) => other.name === `${base}.scale`);
      if (!scale) throw new Error(`model: expected a scale beside ${name}, got none`);
      const scales = floats(scale);
      // All dimensions of the scale but one are 1.
      const axis = scale.dims.findIndex((size) => size > 1n);
      const inner = axis < 0 ? 1 : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const levels = Float32Array.from(new Int8Array(bytesOf(tensor)));
      constants[base] = {
        shape,
        data: levels.map((level, i) => level * (scales[Math.floor(i / inner) % scales.length] ?? 0)),
      };
    }
  }
  return constants;
}
