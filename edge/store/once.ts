// Work that is asked for many times at once and done once: whoever comes while it is under way gets the same promise.

/** Keeps work going that outlives the request which began it: `waitUntil` on Workers, nothing on Node. */
export type KeepAlive = (work: Promise<unknown>) => void;

/** A Worker's request may end without a word and its work with it; who comes so much later begins anew. */
const STUCK_MS = 25_000;

export type Once = <T>(key: string, start: () => Promise<T>) => Promise<T>;

export function createOnce(keepAlive: KeepAlive): Once {
  const underWay = new Map<string, { since: number; work: Promise<unknown> }>();
  return <T>(key: string, start: () => Promise<T>): Promise<T> => {
    const before = underWay.get(key);
    if (before !== undefined && Date.now() - before.since < STUCK_MS) return before.work as Promise<T>;
    const work = start().finally(() => {
      if (underWay.get(key)?.work === work) underWay.delete(key);
    });
    underWay.set(key, { since: Date.now(), work });
    keepAlive(work.catch(() => {}));
    return work;
  };
}
