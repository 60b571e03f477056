// The device ladder's decisions, without a device.
import { expect, test } from 'vitest';
import { type Circumstances, type Device, isFaster, planLadder } from '../../client/engine/ladder.ts';
import type { Provider } from '../../client/engine/protocol.ts';

const CHROME: Device = { adapter: true, jspi: true, isolated: true, apple: false, cores: 8 };
const FIRST: Circumstances = {
  memory: undefined,
  crashed: new Set(),
  choice: 'auto',
  jspiKept: false,
  inThread: false,
};
const WEBGPU = new Set<Provider>(['webgpu']);
const reasons = (plan: ReturnType<typeof planLadder>) =>
  Object.fromEntries(plan.refused.map(({ provider, reason }) => [provider, reason]));

test('Chrome with a GPU starts on wasm of the jspi build, then tries threads and WebGPU', () => {
  const plan = planLadder(CHROME, FIRST);
  expect(plan).toEqual({ build: 'jspi', candidates: ['wasm', 'wasm-threads', 'webgpu'], refused: [] });
});

test('a browser without adapter, JSPI or isolation gets the smaller build, each refusal with its reason', () => {
  const plan = planLadder({ ...CHROME, adapter: false, isolated: false }, FIRST);
  expect(plan.build).toBe('wasm');
  expect(plan.candidates).toEqual(['wasm']);
  expect(reasons(plan)).toEqual({ webgpu: 'no-adapter', 'wasm-threads': 'not-isolated' });
  expect(reasons(planLadder({ ...CHROME, jspi: false }, FIRST))).toEqual({ webgpu: 'no-jspi' });
  expect(reasons(planLadder({ ...CHROME, cores: 1 }, FIRST))).toEqual({ 'wasm-threads': 'one-core' });
});

test('iPhone and iPad do not try WebGPU unless asked to', () => {
  const phone = { ...CHROME, apple: true };
  expect(reasons(planLadder(phone, FIRST)).webgpu).toBe('apple');
  expect(planLadder(phone, { ...FIRST, choice: 'webgpu' }).candidates).toEqual(['webgpu']);
});

test('after a crash WebGPU is left alone, and the build on the device is used again', () => {
  const plan = planLadder(CHROME, { ...FIRST, crashed: WEBGPU, jspiKept: true });
  expect(plan.candidates).toEqual(['wasm', 'wasm-threads']);
  expect(plan.build).toBe('jspi');
  expect(reasons(plan)).toEqual({ webgpu: 'crashed' });
  // Nothing on the device: the smaller build does.
  expect(planLadder(CHROME, { ...FIRST, crashed: WEBGPU }).build).toBe('wasm');
});

test('after a crash of wasm with threads those are left alone, remembered or not, until they are asked for', () => {
  const crashed = new Set<Provider>(['wasm-threads']);
  expect(planLadder(CHROME, { ...FIRST, crashed }).candidates).toEqual(['wasm', 'webgpu']);
  expect(reasons(planLadder(CHROME, { ...FIRST, crashed }))).toEqual({ 'wasm-threads': 'crashed' });
  const memory = { provider: 'wasm-threads' as const, verdicts: [] };
  expect(planLadder(CHROME, { ...FIRST, crashed, memory }).candidates).toEqual(['wasm', 'webgpu']);
  expect(planLadder(CHROME, { ...FIRST, crashed, choice: 'wasm-threads' }).candidates).toEqual(['wasm-threads']);
});

test('what was found out is remembered: only the winner starts, unmeasured, and the others keep their verdicts', () => {
  const memory = {
    provider: 'webgpu' as const,
    verdicts: [
      { provider: 'wasm' as const, milliseconds: 3, reason: 'slower' as const },
      { provider: 'webgpu' as const, milliseconds: 1, levels: 1 },
    ],
  };
  const plan = planLadder(CHROME, { ...FIRST, memory });
  expect(plan.candidates).toEqual(['webgpu']);
  expect(plan.known?.milliseconds).toBe(1);
  expect(plan.refused).toEqual([{ provider: 'wasm', milliseconds: 3, reason: 'slower' }]);
  // Remembered, but not possible any more.
  const crashed = planLadder(CHROME, { ...FIRST, memory, crashed: WEBGPU });
  expect(crashed.candidates).toEqual(['wasm', 'wasm-threads']);
});

test('a person may choose, and the choice is the only candidate', () => {
  const plan = planLadder(CHROME, { ...FIRST, choice: 'wasm-threads' });
  expect(plan.candidates).toEqual(['wasm-threads']);
  expect(reasons(plan)).toEqual({ webgpu: 'not-asked' });
  expect(planLadder(CHROME, { ...FIRST, choice: 'wasm', crashed: WEBGPU }).candidates).toEqual(['wasm']);
});

test('a challenger must be a tenth faster to take over', () => {
  const wasm = { provider: 'wasm' as const, milliseconds: 1 };
  expect(isFaster({ provider: 'webgpu', milliseconds: 0.95 }, wasm)).toBe(false);
  expect(isFaster({ provider: 'webgpu', milliseconds: 0.85 }, wasm)).toBe(true);
  expect(isFaster({ provider: 'webgpu' }, wasm)).toBe(false);
  expect(isFaster(wasm, undefined)).toBe(true);
});
