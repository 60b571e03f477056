// Keeps the screen on while something is trained, where the browser can: a page that is put away is stopped.

export interface Awake {
  /** Whether it can be kept on here. */
  readonly can: boolean;
  set(on: boolean): void;
}

export function createAwake(): Awake {
  let wanted = false;
  let held: WakeLockSentinel | undefined;
  const can = 'wakeLock' in navigator;

  async function take(): Promise<void> {
    if (!can || !wanted || document.visibilityState !== 'visible') return;
    try {
      held = await navigator.wakeLock.request('screen');
      if (!wanted) await held.release();
    } catch {
      // A battery that is low: the screen goes off, and training goes on from what is saved.
    }
  }
  // The lock ends when the page is hidden.
  document.addEventListener('visibilitychange', () => void take());
  return {
    can,
    set(on) {
      wanted = on;
      if (on) void take();
      else void held?.release();
    },
  };
}
