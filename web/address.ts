// The page's state in the address bar, written no more often than browsers take it: Safari throws at the hundredth write within 30 s.
import type { History } from './ui/view.ts';

export interface Address {
  /** `fragment` with its `#`. A replacement may wait for the next moment; what waits goes before an entry that is pushed. */
  write(fragment: string, how: History): void;
  /** Writes what waits. */
  flush(): void;
  /** Another entry is shown: what waits was for the one that was left. */
  forget(): void;
}

/** 75 in 30 s: the rest is for what is pushed. */
const GAP = 400;

export function createAddress(): Address {
  let waits: string | undefined;
  let pausing = false;

  function put(fragment: string, how: History): void {
    if (fragment === location.hash) return;
    try {
      if (how === 'push') history.pushState(null, '', fragment);
      else history.replaceState(null, '', fragment);
    } catch {
      // Too often for this browser after all: a later write has everything that this one had.
    }
  }

  function flush(): void {
    if (waits !== undefined) put(waits, 'replace');
    waits = undefined;
  }

  function replace(fragment: string): void {
    put(fragment, 'replace');
    pausing = true;
    setTimeout(() => {
      pausing = false;
      const next = waits;
      waits = undefined;
      if (next !== undefined) replace(next);
    }, GAP);
  }

  return {
    write(fragment, how) {
      if (how === 'push') {
        flush();
        put(fragment, how);
      } else if (pausing) waits = fragment;
      else replace(fragment);
    },
    flush,
    forget() {
      waits = undefined;
    },
  };
}
