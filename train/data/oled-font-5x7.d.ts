// The package ships no types: one byte per column, bit 0 on top, characters from U+0020 on.
declare module 'oled-font-5x7' {
  const font: { width: number; height: number; fontData: number[]; lookup: string[] };
  export default font;
}
