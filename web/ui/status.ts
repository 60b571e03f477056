// What the page says it runs on, and why: one line under the picture, and the words of every verdict.
import type { EngineStatus } from '../../client/engine/engine.ts';
import type { Reason, Verdict } from '../../client/engine/ladder.ts';
import { t } from '../texts.ts';

const digits = (milliseconds: number) => milliseconds.toFixed(milliseconds < 10 ? 1 : 0);

export function reasonText(reason: Reason): string {
  return t(`why-${reason}`);
}

/** "Running on WebGPU, 0.8 ms a picture (wasm: 1.1 ms)", or with the reason why it is not WebGPU. */
export function statusText(status: EngineStatus): string {
  switch (status.phase) {
    case 'loading':
      return t('loading');
    case 'starting':
      return t('starting');
    case 'cancelled':
      return t('cancelled');
    case 'failed':
      return t('failed');
    case 'running':
      return runningText(status.verdicts, status.measuring);
    default:
      return status satisfies never;
  }
}

function runningText(verdicts: readonly Verdict[], measuring: boolean): string {
  const current = verdicts.find((verdict) => verdict.reason === undefined);
  if (current?.milliseconds === undefined) return t('starting');
  let text = t('running', { provider: t(current.provider), ms: digits(current.milliseconds) });
  // The most telling other one: WebGPU beside wasm, plain wasm beside WebGPU.
  const telling = (['webgpu', 'wasm', 'wasm-threads'] as const).map((name) =>
    verdicts.find((v) => v.provider === name && v.reason === 'slower' && v.milliseconds !== undefined),
  );
  const other = telling.find((verdict) => verdict !== undefined);
  if (other?.milliseconds !== undefined)
    text += t('runningOther', { provider: t(other.provider), ms: digits(other.milliseconds) });
  if (measuring) return text + t('runningWhy', { reason: t('measuring') });
  for (const { provider, reason } of verdicts) {
    if (reason === 'crashed') text += t('runningWhy', { reason: `${t(provider)} ${reasonText(reason)}` });
    else if (provider === 'webgpu' && reason !== undefined && reason !== 'slower' && reason !== 'not-asked')
      text += t('runningWhy', { reason: reasonText(reason) });
  }
  return text;
}

export function verdictText(verdict: Verdict): string {
  const parts: string[] = [];
  if (verdict.milliseconds !== undefined) parts.push(`${digits(verdict.milliseconds)} ms`);
  if (verdict.levels !== undefined)
    parts.push(verdict.levels === 0 ? t('exact') : t('oneLevel', { n: verdict.levels }));
  parts.push(verdict.reason === undefined ? t('inUse') : reasonText(verdict.reason));
  return parts.join(' · ');
}
