// The list of models the page offers: the site's, then a person's own. What the device remembers of it is there at once; what
// the network says comes in when it comes.
import { freshModels, keptModels, type ModelEntry } from './models.ts';
import { listOwn } from './own.ts';

export interface Catalogue {
  readonly models: readonly ModelEntry[];
  /** Fills the list. Throws what the network failed with when there is nothing to show without it. */
  open(): Promise<void>;
  /** Asks the network; without an answer what is known stays. */
  refresh(): Promise<readonly ModelEntry[]>;
  /** Looks at this device again. */
  refreshOwn(): Promise<void>;
}

/** `late` is called when the network's list came after the device's was shown. */
export function createCatalogue(late: () => void): Catalogue {
  let served: readonly ModelEntry[] = [];
  let own: readonly ModelEntry[] = [];

  async function take(list: Promise<readonly ModelEntry[]>): Promise<void> {
    served = await list;
  }

  const catalogue: Catalogue = {
    get models() {
      return [...served, ...own];
    },
    async open() {
      const asked = take(freshModels());
      asked.catch(() => undefined); // without a network it has failed before anything below listens
      const soon = new Promise<'late'>((resolve) => setTimeout(resolve, HEAD_START, 'late'));
      const [kept] = await Promise.all([keptModels(), catalogue.refreshOwn()]);
      if (kept === undefined)
        return asked.catch((error: unknown) => (own.length > 0 ? undefined : Promise.reject(error)));
      const first = await Promise.race([asked, soon]).catch(() => 'failed');
      if (first !== undefined) served = kept;
      if (first === 'late') asked.then(late).catch(() => undefined);
    },
    async refresh() {
      await Promise.all([take(freshModels()).catch(() => undefined), catalogue.refreshOwn()]);
      return catalogue.models;
    },
    async refreshOwn() {
      own = await listOwn();
    },
  };
  return catalogue;
}

/** So long the device's list waits for a newer one: a server next door has answered, and nobody has noticed. */
const HEAD_START = 300;
