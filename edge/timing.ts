// Server-Timing: milliseconds of each step of an answer. On Cloudflare the clock stands still while code computes (a
// guard against timing attacks), so the numbers there are 0; locally and on Node they are real.

export interface Timing {
  measure<T>(step: string, work: () => T | Promise<T>): Promise<T>;
  set(step: string, ms: number): void;
  header(): string;
}

export function createTiming(): Timing {
  const steps = new Map<string, number>();
  return {
    async measure(step, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        steps.set(step, (steps.get(step) ?? 0) + performance.now() - start);
      }
    },
    set: (step, ms) => void steps.set(step, ms),
    header: () => [...steps].map(([step, ms]) => `${step};dur=${ms.toFixed(2)}`).join(', '),
  };
}
