// safetensors (https://huggingface.co/docs/safetensors): 8 bytes of header length, a JSON header, the raw numbers.
// Numbers are float32 in memory; float16 is storage.
import { z } from 'zod';
import { fromHalf, toHalf } from '../../trace/storage.ts';

const entry = z.object({
  dtype: z.enum(['F32', 'F16']),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z.looseObject({ __metadata__: z.record(z.string(), z.string()).optional() });

export interface SafeTensors {
  readonly metadata: Record<string, string>;
  readonly tensors: Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

export function encodeSafetensors({ metadata, tensors }: SafeTensors, dtype: 'F32' | 'F16' = 'F32'): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  const stored: (Float32Array | Uint16Array)[] = [];
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const numbers = dtype === 'F16' ? toHalf(data) : data;
    header[name] = { dtype, shape, data_offsets: [offset, offset + numbers.byteLength] };
    offset += numbers.byteLength;
    stored.push(numbers);
  }
  // Spaces after the JSON keep the numbers aligned to 8 bytes, as the format recommends.
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json + ' '.repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8));
  const bytes = new Uint8Array(8 + text.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const data of stored) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** @throws Error saying what is wrong with the bytes */
export function decodeSafetensors(bytes: Uint8Array): SafeTensors {
  if (bytes.length < 8) throw new Error(`expected at least 8 bytes, got ${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (8 + length > bytes.length) throw new Error(`expected a header of ${length} bytes, got ${bytes.length - 8}`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new Error('expected a JSON header, got something else');
  }
  const { __metadata__: metadata = {}, ...rest } = headerSchema.parse(json);
  const body = bytes.subarray(8 + length);
  const tensors: SafeTensors['tensors'] = {};
  for (const [name, value] of Object.entries(rest)) {
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = entry.parse(value);
    if (to > body.length) throw new Error(`expected ${to} bytes of numbers, got ${body.length}`);
    // A copy, because float32 views need an aligned start (and a Buffer's own slice would be no copy).
    const { buffer } = Uint8Array.from(body.subarray(from, to));
    const data = dtype === 'F16' ? fromHalf(new Uint16Array(buffer)) : new Float32Array(buffer);
    if (data.length !== shape.reduce((a, b) => a * b, 1))
      throw new Error(`${name}: expected shape [${shape}], got ${data.length} numbers`);
    tensors[name] = { shape, data };
  }
  return { metadata, tensors };
}
