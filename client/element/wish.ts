// What the attributes of a <pocket-picture> ask for, as one value: pure, so that it is tested without a browser.
import { UserError } from '../../contract/errors.ts';

/** What may draw on the visitor's device; `none`: nothing, the edge draws alone. */
export const DEVICES = ['auto', 'wasm', 'wasm-threads', 'webgpu', 'none'] as const;
export type PictureDevice = (typeof DEVICES)[number];

/** What one open model is of. */
export interface Bundle {
  address: string;
  device: Exclude<PictureDevice, 'none'>;
  /** Folder of ONNX Runtime's files, if it was given. */
  runtime: string | undefined;
  /** The only version that will do, if the model was asked for by version. */
  version: string | undefined;
}

export interface Wish {
  /** The bundle to draw from on the device; undefined where only the edge draws. */
  bundle: Bundle | undefined;
  /** The API that draws the same model; undefined where only the device draws. `base` has no slash at its end. */
  edge: { base: string; model: string } | undefined;
  /** As `draw` of the client takes it: `class` is a label. */
  point: { seed: string; class?: string; truncation?: number };
}

/**
 * Reads the attributes by `get`; addresses are resolved against `base`, the document's. Undefined while they ask for nothing:
 * without a seed, or with neither `src` nor `edge`, as an <img> without `src`. Throws UserError for what cannot be meant.
 */
export function readWish(get: (name: string) => string | null, base: string): Wish | undefined {
  const text = (name: string) => get(name) || undefined;
  const address = (name: string) => absolute(name, text(name), base);
  const [seed, src, edge] = [text('seed'), address('src'), address('edge')?.replace(/\/+$/, '')];
  if (seed === undefined || (src === undefined && edge === undefined)) return undefined;
  const device = deviceOf(text('device'));
  if (device === undefined) throw new UserError(`device: expected one of ${DEVICES.join(', ')}, got ${text('device')}`);
  const [model, label, truncation] = [text('model'), text('label'), truncationOf(text('truncation'))];
  if (edge === undefined && device === 'none')
    throw new UserError('edge: expected the address of an API, as device is none, got nothing');
  if (edge !== undefined && model === undefined)
    throw new UserError('model: expected the name of a model that the edge draws, got nothing');
  const version = model?.split('@')[1];
  const bundle = { address: src ?? `${edge}/models/${model}/`, runtime: address('runtime'), version };
  return {
    bundle: device === 'none' ? undefined : { ...bundle, device },
    edge: edge === undefined || model === undefined ? undefined : { base: edge, model },
    point: {
      seed,
      ...(label === undefined ? {} : { class: label }),
      ...(truncation === undefined ? {} : { truncation }),
    },
  };
}

/** The address of the edge's picture; `model` is a name or, so that it may be kept for ever, name@version. */
export function edgeAddress(base: string, model: string, { seed, ...query }: Wish['point']): string {
  const url = new URL(`${base}/v1/images/${model}/${encodeURIComponent(seed)}.png`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

/** Undefined for a word that names none. */
export function deviceOf(value: string | undefined): PictureDevice | undefined {
  return DEVICES.find((one) => one === (value ?? 'auto'));
}

function truncationOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const truncation = Number(value);
  if (!(truncation > 0 && truncation <= 1))
    throw new UserError(`truncation: expected a number above 0, at most 1, got ${value}`);
  return truncation;
}

function absolute(name: string, address: string | undefined, base: string): string | undefined {
  if (address === undefined) return undefined;
  if (!URL.canParse(address, base)) throw new UserError(`${name}: expected an address, got ${address}`);
  return new URL(address, base).href;
}
