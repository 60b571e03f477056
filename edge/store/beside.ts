// Models that are part of the server (bundled in the Worker, a watched folder on Node) and published ones, as one. A published
// model takes the place of one of its name; the version that is part of the server keeps its own address.
import type { ModelEntry, Models } from '../models.ts';
import type { ModelFiles } from '../services.ts';

type Served = Models & ModelFiles;

export function beside(own: Models & Partial<ModelFiles>, published: Served): Served {
  /** What can be had without the store is served while it does not answer. */
  const orNone = <T>(read: Promise<readonly T[]>): Promise<readonly T[]> => read.catch(() => []);
  const ownVersion = async (name: string): Promise<ModelEntry | undefined> =>
    (await own.list()).find((entry) => entry.name === name);

  return {
    async list() {
      const others = await orNone(published.list());
      const names = new Set(others.map(({ name }) => name));
      return [...(await own.list()).filter(({ name }) => !names.has(name)), ...others];
    },
    failed: () => new Map([...own.failed(), ...published.failed()]),
    async lend(name, version, work) {
      const mine = await ownVersion(name);
      if (mine !== undefined && mine.version === version) return own.lend(name, version, work);
      // Only the lookup may fail over to one's own: `work` is never done twice.
      let lent = false;
      try {
        const answer = await published.lend(name, version, (loan) => {
          lent = true;
          return work(loan);
        });
        if (lent) return answer;
      } catch (error) {
        if (lent || mine === undefined || version !== undefined) throw error;
      }
      return own.lend(name, version, work);
    },
    async pageList() {
      const others = await orNone(published.pageList());
      const names = new Set(others.map(({ name }) => name));
      return [...((await own.pageList?.()) ?? []).filter(({ name }) => !names.has(name)), ...others];
    },
    async file(name, version, path) {
      const mine = async () => own.file?.(name, version, path);
      if (version === undefined) return (await published.file(name, version, path).catch(() => undefined)) ?? mine();
      return (await ownVersion(name))?.version === version ? mine() : published.file(name, version, path);
    },
  };
}
