// Types of the part of gifenc that is used; the package has none. Its ES module file is named because the package's
// main file is CommonJS, whose default export bundlers and Node read differently.
declare module 'gifenc/dist/gifenc.esm.js' {
  type Palette = number[][];
  export interface FrameOptions {
    palette?: Palette;
    /** Whether the colour at `transparentIndex` is none. */
    transparent?: boolean;
    transparentIndex?: number;
    /** GIF89a's disposal method. */
    dispose?: number;
    /** Milliseconds, rounded to hundredths of a second. */
    delay?: number;
    repeat?: number;
  }
  interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options?: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export function GIFEncoder(): Encoder;
  export function quantize(rgba: Uint8Array, maxColors: number): Palette;
  export function applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
}
