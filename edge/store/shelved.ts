// Bundles whose networks stand on a shelf: each is opened when it is first asked for, after its hash and goldens were checked, and
// has a place of its own, so that an encoder goes when nobody sends pictures and its generator stays.
import { completerFile, encoderFile } from '../../contract/lookup.ts';
import type { FileEntry, Manifest } from '../../contract/manifest.ts';
import {
  type BundleSource,
  type Engine,
  type Loan,
  type OpenCompleter,
  type OpenEncoder,
  openCompleter,
  openEncoder,
  openModel,
  type ServedModel,
} from '../models.ts';
import { createOnce, type KeepAlive, type Once } from './once.ts';
import { createShelf, openBytes, type Shelf } from './shelf.ts';

type Network = ServedModel | OpenEncoder | OpenCompleter;

/**
 * What an isolate of a Worker, which has 128 MB, can give to open models: ONNX Runtime takes 16 MiB before the first and grows
 * by a fifth at a time; the rest is JavaScript's, pictures being made and files passing through.
 */
export const ISOLATE_ROOM = 40 * 2 ** 20;

/** What a program's models share: the room for those that are open, and what one of them is waited for with. */
export interface ModelShelf extends Shelf<Network> {
  readonly once: Once;
}

export interface ShelfOptions {
  /** Bytes of memory for models that are open at the same time, as openBytes estimates them; 40 MiB if absent. */
  room?: number | undefined;
  /** On Workers `waitUntil`, so that who begins to open a model may leave before it is open. */
  keepAlive?: KeepAlive | undefined;
}

export function modelShelf({ room = ISOLATE_ROOM, keepAlive = () => {} }: ShelfOptions = {}): ModelShelf {
  const once = createOnce(keepAlive);
  return { ...createShelf<Network>(room, once), once };
}

/** A bundle that has a place on a shelf. */
export interface Shelved {
  /** Of its generator on the shelf; others of its networks stand under it with their role. */
  key: string;
  /** Of its generator's file. */
  generator: Pick<FileEntry, 'bytes' | 'variant'>;
  manifest(): Promise<Manifest>;
  source: BundleSource;
}

export interface Shelving {
  engine: Engine;
  shelf: ModelShelf;
  /** How many of a network's goldens are compared when it is opened; at least one. */
  goldens: number;
  /** Told how each opening went: what was opened (a bundle, or its encoder or completer), and the error if it failed. */
  went(label: string, error?: unknown): void;
}

/** The networks of a loan. */
export function onShelf(
  { key, generator, manifest, source }: Shelved,
  { engine, shelf, goldens, went }: Shelving,
): Pick<Loan, 'open' | 'encoder' | 'completer'> {
  /** `work` is asked anew in each call, as the network may have gone meanwhile. */
  function place<N extends Network>(
    [suffix, is]: readonly [string, (network: Network) => network is N],
    file: Pick<FileEntry, 'bytes' | 'variant'>,
    open: (source: BundleSource, engine: Engine, goldens: number) => Promise<N>,
  ): <T>(work: (network: N) => Promise<T>) => Promise<T> {
    const label = `${source.name}${suffix}`;
    const start = async (): Promise<N> => {
      try {
        const opened = await open({ ...source, name: label }, engine, goldens);
        went(label);
        return opened;
      } catch (error) {
        went(label, error);
        throw error;
      }
    };
    return (work) =>
      shelf.use(`${key}${suffix}`, openBytes(file), start, (network) => {
        if (!is(network)) throw new Error(`${label}: expected another network on its shelf`);
        return work(network);
      });
  }

  return {
    async open() {
      const drawing = place(GENERATOR, generator, openModel);
      const model = await drawing(async (one) => one);
      return {
        ...model,
        generator: {
          manifest: model.manifest,
          generate: (requests) => drawing((one) => one.generator.generate(requests)),
          decode: (latents, weights) => drawing((one) => one.generator.decode(latents, weights)),
        },
        close: async () => {}, // the shelf's business
      };
    },
    async encoder() {
      const encoding = place(ENCODER, encoderFile(await manifest()), openEncoder);
      return { encode: (pictures, weights) => encoding(({ encoder }) => encoder.encode(pictures, weights)) };
    },
    async completer() {
      const completing = place(COMPLETER, completerFile(await manifest()), openCompleter);
      return { complete: (completions) => completing(({ completer }) => completer.complete(completions)) };
    },
  };
}

const GENERATOR = ['', (one: Network): one is ServedModel => 'generator' in one] as const;
const ENCODER = [' encoder', (one: Network): one is OpenEncoder => 'encoder' in one] as const;
const COMPLETER = [' completer', (one: Network): one is OpenCompleter => 'completer' in one] as const;

/** What is known of the generator's provider while it is open. */
export function openedOn(shelf: ModelShelf, key: string): { provider: Engine['provider']; openMs: number } | undefined {
  const network = shelf.peek(key);
  return network && 'generator' in network ? { provider: network.provider, openMs: network.openMs } : undefined;
}
