// Networks for pictures of twice the side that begin as smaller ones (progressive growing, Karras et al. 2018, in one leap). The
// stage that drew and read pixels becomes one more of those at half the resolution, and a new one, half as wide, draws and reads
// the new pixels. Nothing is faded in: from the first step on the generator draws its small picture enlarged, and the
// discriminator judges much as it judged that. With new layers that begin as noise, what was learnt is half lost (docs/LOG.md).
import { LEAK } from './layers.ts';
import { firstChannels, stages } from './residual.ts';
import { type NetworkSpec, pictureSizes } from './spec.ts';
import type { Values } from './tensors.ts';

const TAPS = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => ({ x, y })));
const CENTRE = TAPS.findIndex(({ x, y }) => x === 0 && y === 0);

/**
 * What a filter of 3x3 on smooth pictures comes to: mean, slopes, curvature. They are orthogonal; at twice the resolution a slope
 * from pixel to pixel is half as large, a curvature a quarter.
 */
const FILTERS = [
  { taps: TAPS.map(() => 1 / 3), scale: 1 },
  { taps: TAPS.map(({ x }) => x / Math.sqrt(6)), scale: 2 },
  { taps: TAPS.map(({ y }) => y / Math.sqrt(6)), scale: 2 },
  { taps: TAPS.map(({ x, y }) => (x * x + y * y - 4 / 3) / 2), scale: 4 },
];

/** By so much is the picture louder than what was in the same channels before, so that this hardly counts. */
const LOUD = 8;

function of(values: Values, name: string): Float32Array {
  const found = values[name];
  if (!found) throw new Error(`growing: expected a parameter named ${name}`);
  return found;
}

/** Under the names that the layers have in the larger network. */
function renamed(values: Values, called: (layer: string) => string): Values {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, data]) => {
      const [, layer = '', part = ''] = /^(.*)\.(\w+)$/.exec(name) ?? [];
      return layer === 'picture' ? [] : [[`${called(layer)}.${part}`, data]];
    }),
  );
}

/** A residual branch that begins as its shortcut. */
const silent = (fresh: Values, layer: string): Values =>
  Object.fromEntries(
    ['weight', 'bias'].map((part) => [`${layer}.${part}`, new Float32Array(of(fresh, `${layer}.${part}`).length)]),
  );

/**
 * The larger networks' sizes. Undefined where the smaller ones' layers are no part of larger ones: without a stage at the full
 * resolution that is half as wide as the next, where the widest maps are at their limit, or where the new stage would be too narrow.
 */
export function grown(spec: NetworkSpec): NetworkSpec | undefined {
  const { family, width, fullWidth, channels } = spec;
  const resolution = pictureSizes.find((side) => side === 2 * spec.resolution);
  if (family !== 'residual' || !resolution || width !== 2 * fullWidth || fullWidth % 2 > 0) return undefined;
  if (fullWidth / 2 < FILTERS.length * channels || spec.generatorBlocks < 2) return undefined;
  const small = stages(spec);
  const firstWidth = firstChannels(spec, small[0]?.channels ?? 0);
  const large: NetworkSpec = { ...spec, resolution, width: fullWidth, fullWidth: fullWidth / 2, firstWidth };
  const held = stages(large).slice(0, -1);
  const fits =
    held.length === small.length &&
    held.every(({ size, channels }, i) => size === small[i]?.size && channels === small[i]?.channels);
  return fits ? large : undefined;
}

/** Parameters that the larger generator begins with: `old` are the smaller one's, `fresh` those that it would begin with alone. */
export function grownGenerator(spec: NetworkSpec, old: Values, fresh: Values): Values {
  const { channels, fullWidth: stage, generatorBlocks } = spec;
  const last = `stage${stages(spec).length}`;
  const names: Readonly<Record<string, string>> = { up: `up${stages(spec).length}`, full: `${last}.block0` };
  const values = { ...fresh, ...renamed(old, (layer) => names[layer] ?? layer), ...silent(fresh, 'full') };
  for (let b = 1; b < generatorBlocks; b++) Object.assign(values, silent(fresh, `${last}.block${b}`));

  // The first channels of the last stage are given the picture, loud.
  const [weight, bias] = [of(values, `${last}.block1.weight`), of(values, `${last}.block1.bias`)];
  const [kernel, ground] = [of(old, 'picture.weight'), of(old, 'picture.bias')];
  for (const [i, value] of kernel.entries()) {
    const c = i % channels;
    weight[((i - c) / channels) * stage + c] = LOUD * value;
  }
  for (const [c, value] of ground.entries()) bias[c] = LOUD * value;

  // Two of the new channels take each of them out of there, one turned round: both sides of a leaky ReLU add up to a line.
  const full = stage / 2;
  const up = Float32Array.from(of(fresh, 'up.weight'));
  const picture = new Float32Array(of(fresh, 'picture.weight').length);
  for (let j = 0; j < 2 * channels; j++) {
    const [c, sign] = [j >> 1, j % 2 === 0 ? 1 : -1];
    for (let i = 0; i < stage; i++) up[i * full + j] = i === c ? sign / LOUD : 0;
    picture[(CENTRE * full + j) * channels + c] = sign / (1 + LEAK);
  }
  return { ...values, 'up.weight': up, 'picture.weight': picture };
}

/** The same for the discriminator, whose stages are counted from the pictures on. */
export function grownDiscriminator(spec: NetworkSpec, old: Values, fresh: Values): Values {
  const { channels, fullWidth: stage, discriminatorBlocks } = spec;
  const held = renamed(old, (layer) =>
    layer === 'full'
      ? 'stage0.block0'
      : layer.replace(/^(down|stage)(\d+)/, (_, kind: string, i: string) => `${kind}${Number(i) + 1}`),
  );
  const values = { ...fresh, ...held, ...silent(fresh, 'full') };
  for (let b = 1; b < discriminatorBlocks; b++) Object.assign(values, silent(fresh, `stage0.block${b}`));

  // A new channel reads each colour through each filter; what the old kernel made of that is found in what they read.
  const full = stage / 2;
  const kernel = of(old, 'picture.weight');
  const picture = Float32Array.from(of(fresh, 'picture.weight'));
  const down = new Float32Array(full * stage);
  for (const [f, { taps, scale }] of FILTERS.entries()) {
    for (let c = 0; c < channels; c++) {
      const j = f * channels + c;
      for (const [t, tap] of taps.entries()) {
        for (let i = 0; i < channels; i++) picture[(t * channels + i) * full + j] = i === c ? tap : 0;
        for (let o = 0; o < stage; o++)
          down[j * stage + o] =
            (down[j * stage + o] ?? 0) + scale * tap * (kernel[(t * channels + c) * stage + o] ?? 0);
      }
    }
  }
  return { ...values, 'picture.weight': picture, 'down0.weight': down, 'down0.bias': of(old, 'picture.bias') };
}
