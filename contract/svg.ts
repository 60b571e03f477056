// A picture as SVG: one horizontal stroke per run of equal pixels, strokes of one colour in one path. Sharp at any size;
// nothing is drawn where nothing is seen.
import type { Picture } from './picture.ts';

const hex = (level: number) => level.toString(16).padStart(2, '0');

export function encodeSvg({ width, height, channels, data }: Picture, scale: number): string {
  const paths = new Map<string, string>(); // stroke → path data
  const strokeAt = (pixel: number) => {
    const at = (channel: number) => data[pixel * channels + channel] ?? 0;
    const colour = channels === 1 ? hex(at(0)).repeat(3) : hex(at(0)) + hex(at(1)) + hex(at(2));
    const alpha = channels === 4 ? at(3) : 255;
    if (alpha === 0) return '';
    // Not #rrggbbaa, which is of CSS 4 and unknown to older programs. Six decimals, as cairo cuts off instead of rounding.
    const opacity = alpha === 255 ? '' : ` stroke-opacity="${Number((alpha / 255).toFixed(6))}"`;
    return `stroke="#${colour}"${opacity}`;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0, end = 0; x < width; x = end) {
      const stroke = strokeAt(y * width + x);
      for (end = x + 1; end < width && strokeAt(y * width + end) === stroke; ) end++;
      if (stroke !== '') paths.set(stroke, `${paths.get(stroke) ?? ''}M${x} ${y}.5h${end - x}`);
    }
  }
  const strokes = [...paths].map(([stroke, path]) => `<path ${stroke} d="${path}"/>`).join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * scale}" height="${height * scale}" ` +
    `viewBox="0 0 ${width} ${height}" shape-rendering="crispEdges">${strokes}</svg>`
  );
}
