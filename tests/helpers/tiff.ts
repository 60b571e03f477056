// Smallest uncompressed TIFF files (TIFF 6.0, one strip) of any number of bands and depth: what cameras and microscopes
// write and picture programs do not.

export interface TiffPicture {
  width: number;
  height: number;
  /** Bands to a pixel. */
  bands: number;
  bits: 8 | 16 | 32;
  /** TIFF's SampleFormat. */
  format: 'unsigned' | 'float';
  /** TIFF's PhotometricInterpretation. */
  colour: 'grey' | 'rgb';
  /** [height, width, bands] */
  samples: ArrayLike<number>;
}

export function encodeTiff({ width, height, bands, bits, format, colour, samples }: TiffPicture): Buffer {
  const bytes = bits / 8;
  const strip = Buffer.alloc(width * height * bands * bytes);
  for (let i = 0; i < width * height * bands; i++) {
    const value = samples[i] ?? 0;
    if (format === 'float') strip.writeFloatLE(value, i * bytes);
    else strip.writeUIntLE(value, i * bytes, bytes);
  }
  const extra = bands - (colour === 'rgb' ? 3 : 1);
  // [tag, values]; every value is a SHORT, or a LONG where it says so.
  const tags: [number, number[], 'short' | 'long'][] = [
    [256, [width], 'long'],
    [257, [height], 'long'],
    [258, new Array<number>(bands).fill(bits), 'short'],
    [259, [1], 'short'],
    [262, [colour === 'rgb' ? 2 : 1], 'short'],
    [273, [0], 'long'], // where the strip begins: filled in below
    [277, [bands], 'short'],
    [278, [height], 'long'],
    [279, [strip.length], 'long'],
    [284, [1], 'short'],
    ...(extra > 0 ? [[338, new Array<number>(extra).fill(0), 'short'] as [number, number[], 'short']] : []),
    [339, new Array<number>(bands).fill(format === 'float' ? 3 : 1), 'short'],
  ];
  const directory = 8 + 2 + 12 * tags.length + 4;
  const outside: Buffer[] = [];
  let end = directory;
  const entries = tags.map(([tag, values, kind]) => {
    const size = kind === 'short' ? 2 : 4;
    const packed = Buffer.alloc(Math.max(4, size * values.length));
    for (const [i, value] of values.entries()) packed.writeUIntLE(value, i * size, size);
    const entry = Buffer.alloc(12);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(kind === 'short' ? 3 : 4, 2);
    entry.writeUInt32LE(values.length, 4);
    if (packed.length === 4) packed.copy(entry, 8);
    else {
      entry.writeUInt32LE(end, 8);
      outside.push(packed);
      end += packed.length;
    }
    return entry;
  });
  entries[tags.findIndex(([tag]) => tag === 273)]?.writeUInt32LE(end, 8);
  const head = Buffer.alloc(10);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  return Buffer.concat([head, ...entries, Buffer.alloc(4), ...outside, strip]);
}
