// What can stand in the large picture's place: the first download, an error, nothing to show.

import { RunnerError } from '../../client/engine/runner.ts';
import { isNetworkFailure } from '../../client/files/patience.ts';
import { UserError } from '../../contract/errors.ts';
import { OWN } from '../files/own.ts';
import { isFull } from '../files/store.ts';
import { type TextKey, t } from '../texts.ts';
import { h } from './dom.ts';

const mb = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Nothing to count. */
export function startingPanel(): HTMLElement {
  return h(
    'div',
    { class: 'panel', role: 'status' },
    h('p', {}),
    h('progress', { max: 1, value: 1, 'aria-label': t('loading') }),
    h('p', { class: 'hint bytes' }, t('starting')),
  );
}

/** One for a whole download: a button that is made anew with every chunk is not pressed, and loses the focus. */
export function downloadPanel(cancel: () => void) {
  const bar = h('progress', { max: 1, value: 0, 'aria-label': t('loading') });
  // The bar says how far it is: read aloud at every chunk it would say nothing else.
  const bytes = h('p', { class: 'hint bytes', 'aria-live': 'off' });
  const element = h(
    'div',
    { class: 'panel', role: 'status' },
    h('p', {}, t('loading')),
    bar,
    bytes,
    h('button', { class: 'button', onclick: cancel }, t('cancel')),
  );
  return {
    element,
    show(loaded: number, total: number): void {
      bar.value = Math.min(1, loaded / total);
      bytes.textContent = t('loadingBytes', { loaded: mb(loaded), total: mb(total) });
    },
  };
}

/** Plain words first, the error's own words folded away. */
export function failurePanel(error: unknown, retry: () => void): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  return h(
    'div',
    { class: 'panel', role: 'alert' },
    h('h2', {}, t('failed')),
    h('p', {}, plainWords(error)),
    h('details', {}, h('summary', {}, t('details')), h('p', { class: 'detail' }, message)),
    h('button', { class: 'button strong', onclick: retry }, t('retry')),
  );
}

/** One sentence for a person. */
export function plainWords(error: unknown): string {
  if (error instanceof UserError) return error.message;
  if (error instanceof RunnerError) return t(FAILURES[error.why]);
  if (error instanceof RangeError && /memory|allocation|length/i.test(error.message)) return t('failMemory');
  return t(isNetworkFailure(error) ? 'failNetwork' : 'failOther');
}

/** What ends everything is said in a sentence of its own; a verdict has the provider for its subject. */
const FAILURES: Readonly<Record<RunnerError['why'], TextKey>> = {
  error: 'failStart',
  wrong: 'failWrong',
  lost: 'failLost',
  silent: 'failSilent',
  memory: 'failMemory',
  'no-wasm': 'failNoWasm',
  unloaded: 'failUnloaded',
  crashed: 'failCrashed',
};

/** Why this browser keeps nothing, or no more. */
export function whyNotKept(): string {
  return t(isSecureContext ? (isFull() ? 'noRoom' : 'notKept') : 'insecure');
}

export function cancelledPanel(again: () => void): HTMLElement {
  return h(
    'div',
    { class: 'panel', role: 'status' },
    h('p', {}, t('cancelled')),
    h('button', { class: 'button strong', onclick: again }, t('again')),
  );
}

export function emptyPanel(): HTMLElement {
  return h('div', { class: 'panel', role: 'status' }, h('h2', {}, t('noModels')), h('p', {}, t('noModelsHelp')));
}

/** A link's model is not here: nothing else stands for it. */
export function missingPanel(name: string, problem: string | undefined, choose: () => void): HTMLElement {
  const own = name.startsWith(OWN);
  const words = own ? t('missingOwn', { name: name.slice(OWN.length) }) : t('missing', { name });
  return h(
    'div',
    { class: 'panel', role: 'alert' },
    h('h2', {}, problem === undefined ? words : t('failed')),
    h('p', {}, problem ?? t(own ? 'missingOwnHelp' : 'missingHelp')),
    h('button', { class: 'button strong', onclick: choose }, t('chooseModel')),
  );
}

/** A training has not made its first pictures yet. */
export function waitingPanel(): HTMLElement {
  return h('div', { class: 'panel', role: 'status' }, h('h2', {}, t('live-training')), h('p', {}, t('liveFirst')));
}
