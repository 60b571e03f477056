// Models that are all opened at the start and stay open: bundles that are part of a program, as the Worker's are.
// A model that fails a check is not served, and says why in /healthz.
import { UserError } from '../contract/errors.ts';
import { parseManifest } from '../contract/manifest.ts';
import { type BundleSource, type Engine, entryOfOpen, type Loan, type Models, openModel } from './models.ts';

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

/** Opens bundle after bundle (sessions of one wasm instance cannot be made at the same time). */
export async function openModels(
  sources: readonly BundleSource[],
  open: (source: BundleSource) => ReturnType<typeof openModel>,
): Promise<Models> {
  const loans = new Map<string, Loan>();
  const failed = new Map<string, string>();
  for (const source of sources) {
    try {
      const model = await open(source);
      const entry = await entryOfOpen(model);
      if (loans.has(entry.name))
        throw new UserError(`${source.name}: expected a name of its own, got ${entry.name} again`);
      loans.set(entry.name, { entry, manifest: async () => model.manifest, open: async () => model });
    } catch (error) {
      failed.set(source.name, error instanceof Error ? error.message : String(error));
    }
  }
  return {
    list: async () => [...loans.values()].map(({ entry }) => entry),
    failed: () => failed,
    async lend(name, version, work) {
      const loan = loans.get(name);
      return loan === undefined || (version ?? loan.entry.version) !== loan.entry.version ? undefined : work(loan);
    },
  };
}

/** `goldens`: how many of each model's are drawn and compared before it is served; at least one. */
export function bundledModels(
  bundles: readonly BundledModel[],
  engine: Engine,
  goldens = Number.POSITIVE_INFINITY,
): Promise<Models> {
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
  return openModels(sources, (source) => openModel(source, engine, goldens));
}
