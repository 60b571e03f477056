// A picture as SVG: one horizontal stroke per run of equal pixels, strokes of one colour in one path. Sharp at any size.
import type { Picture } from '../contract/picture.ts';

const hex = (level: number) => level.toString(16).padStart(2, '0');

export function encodeSvg({ width, height, channels, data }: Picture, scale: number): string {
  const paths = new Map<string, string>(); // colour → path data
  const colourAt = (pixel: number) => {
    const at = (channel: number) => hex(data[pixel * channels + channel] ?? 0);
    const alpha = channels === 2 ? at(1) : channels === 4 ? at(3) : '';
    return `#${channels >= 3 ? at(0) + at(1) + at(2) : at(0).repeat(3)}${alpha}`;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0, end = 0; x < width; x = end) {
      const colour = colourAt(y * width + x);
      for (end = x + 1; end < width && colourAt(y * width + end) === colour; ) end++;
      paths.set(colour, `${paths.get(colour) ?? ''}M${x} ${y}.5h${end - x}`);
    }
  }
  const strokes = [...paths].map(([colour, path]) => `<path stroke="${colour}" d="${path}"/>`).join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * scale}" height="${height * scale}" ` +
    `viewBox="0 0 ${width} ${height}" shape-rendering="crispEdges">${strokes}</svg>`
  );
}
