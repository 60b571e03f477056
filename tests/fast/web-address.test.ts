// The address bar, with a browser's history that takes as many writes as Safari does: a hundred in thirty seconds.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Address, createAddress } from '../../web/address.ts';

let entries: string[];
let address: Address;

beforeEach(() => {
  vi.useFakeTimers();
  entries = [''];
  let times: number[] = [];
  const write = (put: (fragment: string) => void) => (_state: unknown, _title: string, fragment: string) => {
    times = times.filter((time) => Date.now() - time < 30_000);
    if (times.length >= 100) throw new DOMException('more than 100 times per 30 seconds', 'SecurityError');
    times.push(Date.now());
    put(fragment);
  };
  vi.stubGlobal('history', {
    pushState: write((fragment) => entries.push(fragment)),
    replaceState: write((fragment) => entries.splice(-1, 1, fragment)),
  });
  vi.stubGlobal('location', {
    get hash() {
      return entries.at(-1);
    },
  });
  address = createAddress();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a change is in the address at once; of a thousand in a row the last one is, and no browser’s limit is met', () => {
  for (let i = 1; i <= 1000; i++) {
    address.write(`#${i}`, 'replace');
    if (i === 1) expect(entries).toEqual(['#1']);
    vi.advanceTimersByTime(20);
  }
  vi.advanceTimersByTime(1000);
  expect(entries).toEqual(['#1000']);
});

test('what waits is written before an entry is pushed, and when the page is left; not into another entry', () => {
  address.write('#a', 'replace');
  address.write('#ad', 'replace');
  address.write('#ada', 'replace');
  address.write('#tile', 'push');
  expect(entries).toEqual(['#ada', '#tile']);
  address.write('#left', 'replace');
  address.flush();
  expect(entries).toEqual(['#ada', '#left']);

  address.write('#late', 'replace');
  entries.pop(); // Back
  address.forget();
  vi.advanceTimersByTime(1000);
  expect(entries).toEqual(['#ada']);
});

test('a browser that takes no more loses an entry, and nothing else', () => {
  for (let i = 0; i < 120; i++) address.write(`#${i}`, 'push');
  vi.advanceTimersByTime(31_000);
  address.write('#last', 'replace');
  expect(entries.at(-1)).toBe('#last');
});
