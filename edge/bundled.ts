// Models that are part of a program, as the Worker's are. The first ones, as far as the time to start goes, are opened and checked at
// the start; the others when they are first asked for. One that fails is not served, and says why in /healthz.
import { UserError } from '../contract/errors.ts';
import { generatorFile } from '../contract/lookup.ts';
import { parseManifest } from '../contract/manifest.ts';
import { type BundleSource, type Engine, entryOf, type Loan, type ModelEntry, type Models } from './models.ts';
import { type ModelShelf, modelShelf, onShelf, openedOn, type Shelving } from './store/shelved.ts';

/** A bundle as modules of a program: its model.json, its default variant's file, and those of its encoder and its completer where it has them. */
export interface BundledModel {
  manifest: unknown;
  file: ArrayBuffer | Uint8Array;
  encoder?: ArrayBuffer | Uint8Array | undefined;
  completer?: ArrayBuffer | Uint8Array | undefined;
  /** When it was made, in seconds since 1970; 0 if absent. */
  created?: number;
  /** For messages about a manifest that cannot be read. */
  name?: string;
}

export interface BundledOptions {
  engine: Engine;
  /** Where they stand while they are open; one of their own if absent. */
  shelf?: ModelShelf | undefined;
  /** How many of a network's goldens are compared before it is used, at least one; all if absent. */
  goldens?: number | undefined;
}

/** Bytes of generators that are opened at the start: Workers give it a second of CPU (docs/edge.md, "Deploy"). */
const START_BYTES = 2.25 * 2 ** 20;

/** The bundles in their order. Those whose manifest cannot be read, or has the name of one before, are among the failed. */
export async function shelvedModels(sources: readonly BundleSource[], options: BundledOptions): Promise<Models> {
  const { engine, shelf = modelShelf(), goldens = Number.POSITIVE_INFINITY } = options;
  const loans = new Map<string, () => Loan>();
  const failed = new Map<string, string>();
  const shelving: Shelving = {
    ...{ engine, shelf, goldens },
    went(label, error) {
      if (error === undefined) failed.delete(label);
      else failed.set(label, error instanceof Error ? error.message : String(error));
    },
  };
  let left = START_BYTES;
  for (const source of sources) {
    try {
      const manifest = parseManifest(await source.manifest());
      const { name } = manifest;
      if (loans.has(name)) throw new UserError(`${source.name}: expected a name of its own, got ${name} again`);
      const generator = generatorFile(manifest);
      const hash = engine.provider === 'wasm' ? generator.sha256 : `${engine.provider}-${generator.sha256}`;
      const known = await entryOf(manifest, {
        hash,
        created: await source.created(),
        changes: false,
        opened: undefined,
      });
      const shelved = { key: name, generator, manifest: async () => manifest, source: { ...source, name } };
      const networks = onShelf(shelved, shelving);
      const entry = (): ModelEntry => ({ ...known, opened: openedOn(shelf, name) });
      loans.set(name, () => ({ entry: entry(), manifest: shelved.manifest, ...networks }));
      if (generator.bytes > left) continue;
      left -= generator.bytes;
      await networks.open().catch(() => loans.delete(name)); // why, is among the failed
    } catch (error) {
      failed.set(source.name, error instanceof Error ? error.message : String(error));
    }
  }
  return {
    list: async () => [...loans.values()].map((loan) => loan().entry),
    failed: () => failed,
    async lend(name, version, work) {
      const loan = loans.get(name)?.();
      return loan === undefined || (version ?? loan.entry.version) !== loan.entry.version ? undefined : work(loan);
    },
  };
}

export function bundledModels(bundles: readonly BundledModel[], options: BundledOptions): Promise<Models> {
  const sources = bundles.map(({ manifest, file, encoder, completer, created = 0, name }, i): BundleSource => {
    const named = typeof manifest === 'object' && manifest !== null && 'name' in manifest ? manifest.name : undefined;
    const known = name ?? (typeof named === 'string' ? named : `bundle ${i}`);
    return {
      name: known,
      manifest: async () => manifest,
      created: async () => created,
      async read(path) {
        const { role } = parseManifest(manifest).files.find((one) => one.path === path) ?? {};
        if (role !== 'encoder' && role !== 'completer') return new Uint8Array(file);
        const beside = { encoder, completer }[role];
        if (beside === undefined)
          throw new UserError(
            `${known}: expected ${path} among what the program was given, got none; pass it as ${role}`,
          );
        return new Uint8Array(beside);
      },
    };
  });
  return shelvedModels(sources, options);
}
