// What the pictures of a model stand on: the colour most of them have around their edge, or nothing at all. Decides the
// colour of the sheets they lie on, so that a white picture has no black frame and a tile of grass no ground but the page.
import type { Colour } from '../../contract/background.ts';
import { goldenPixels } from '../../contract/bundle.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';

/** Levels that a trained ground may be off and still be one. */
const NEAR = 24;
/** Share of the edge's pixels that have to be near the common colour. */
const SHARE = 0.55;
/** A ground this close to black or white is meant to be it. */
const SNAP = 12;

/** Pictures the bundle carries: known before anything was drawn, and the same on every device. */
export function pinnedPictures(manifest: Manifest): Picture[] {
  return manifest.goldens
    .filter(({ variant }) => variant === manifest.defaultVariant)
    .map((golden) => ({ ...manifest.image, data: goldenPixels(golden) }));
}

/** The common colour of the edges of opaque pictures; undefined where they reach to the edge, and without pictures. */
export function measureGround(pictures: readonly Picture[]): Colour | undefined {
  const edge = pictures.flatMap(edgeOf);
  if (edge.length === 0) return undefined;
  const common = [0, 1, 2].map((c) => median(edge.map((colour) => colour[c] ?? 0))) as [number, number, number];
  const near = edge.filter((colour) => colour.every((level, c) => Math.abs(level - (common[c] ?? 0)) <= NEAR));
  if (near.length < SHARE * edge.length) return undefined;
  if (common.every((level) => level >= 255 - SNAP)) return [255, 255, 255];
  if (common.every((level) => level <= SNAP)) return [0, 0, 0];
  return common;
}

function edgeOf({ width, height, channels, data }: Picture): Colour[] {
  const colours: Colour[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (x > 0 && x < width - 1 && y > 0 && y < height - 1) continue;
      const at = (y * width + x) * channels;
      const level = (c: number) => data[at + (channels >= 3 ? c : 0)] ?? 0;
      colours.push([level(0), level(1), level(2)]);
    }
  return colours;
}

function median(levels: readonly number[]): number {
  return [...levels].sort((a, b) => a - b)[levels.length >> 1] ?? 0;
}

/** Relative luminance, 0 to 1. Source: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: Colour): number {
  const [r = 0, g = 0, b = 0] = colour.map((level) => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio, 1 to 21. Source: as above. */
export function contrast(a: Colour, b: Colour): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** The first of `candidates` that is seen on `ground` (3:1, what WCAG asks of controls), else the best one. */
export function seenOn(ground: Colour, candidates: readonly Colour[]): Colour | undefined {
  const ranked = [...candidates].sort((a, b) => contrast(b, ground) - contrast(a, ground));
  return candidates.find((colour) => contrast(colour, ground) >= 3) ?? ranked[0];
}
