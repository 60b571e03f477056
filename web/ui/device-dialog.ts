// The dialog "This device": every way of computing with its verdict and a choice, what is kept for use without a
// network, and installing.
import type { Choice, Verdict } from '../../client/engine/ladder.ts';
import { PROVIDERS } from '../../client/engine/ladder.ts';
import { isFull } from '../files/store.ts';
import { canInstall, install, isAppleTouch, isStandalone } from '../offline/install.ts';
import type { Readiness } from '../offline/offline.ts';
import { t } from '../texts.ts';
import { openDialog } from './dialogs.ts';
import { h } from './dom.ts';
import { whyNotKept } from './panels.ts';
import { verdictText } from './status.ts';

export interface DeviceFacts {
  verdicts: readonly Verdict[];
  choice: Choice;
  readiness: Readiness;
  choose(choice: Choice): void;
}

export function openDevice(facts: DeviceFacts): void {
  const choices = h('div', { class: 'choices', role: 'group', 'aria-label': t('device') });
  const dialog = openDialog(
    t('device'),
    h('p', { class: 'hint' }, t('deviceHelp')),
    choices,
    h('h3', {}, t('offline')),
    offlineList(facts.readiness),
    persistence(),
    installing(),
  );
  // Buttons, not radio buttons: looking along the list with the arrow keys would start one provider after another.
  const option = (choice: Choice, title: string, note: string) =>
    h(
      'button',
      {
        class: 'choice',
        id: `provider-${choice}`,
        'aria-current': facts.choice === choice ? 'true' : undefined,
        onclick: () => {
          dialog.close();
          if (facts.choice !== choice) facts.choose(choice);
        },
      },
      h('span', {}, h('b', {}, title), h('small', {}, note)),
    );
  choices.append(
    option('auto', t('automatic'), ''),
    ...PROVIDERS.map((provider) => {
      const verdict = facts.verdicts.find((v) => v.provider === provider);
      return option(provider, t(provider), verdict === undefined ? '' : verdictText(verdict));
    }),
  );
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(1);

function offlineList(readiness: Readiness): HTMLElement {
  const row = (label: string, part: { kept: boolean; bytes: number }) =>
    h(
      'li',
      { class: part.kept ? 'ok' : 'missing' },
      h('span', {}, label),
      h('small', {}, part.kept ? t('onDevice', { mb: mb(part.bytes) }) : t('notOnDevice')),
    );
  return h(
    'div',
    {},
    h(
      'ul',
      { class: 'checks' },
      row(t('offlineApp'), readiness.app),
      row(t('offlineRuntime'), readiness.runtime),
      row(t('offlineModel'), readiness.model),
    ),
    h('p', { class: 'hint' }, t(readiness.ready ? 'offlineReady' : 'offlineNot')),
    (isFull() || !isSecureContext) && h('p', { class: 'hint' }, whyNotKept()),
  );
}

function persistence(): HTMLElement | undefined {
  if (typeof navigator.storage?.persist !== 'function') return undefined;
  const note = h('p', { class: 'hint' });
  const ask = h(
    'button',
    { class: 'button', onclick: () => void navigator.storage.persist().then(show) },
    t('keepForGood'),
  );
  function show(kept: boolean): void {
    note.textContent = t(kept ? 'keptForGood' : 'notKeptForGood');
    ask.hidden = kept;
  }
  void navigator.storage.persisted().then(show);
  return h('div', { class: 'bar' }, ask, note);
}

function installing(): HTMLElement | undefined {
  if (isStandalone()) return undefined;
  if (canInstall())
    return h(
      'div',
      { class: 'bar' },
      h('button', { class: 'button strong', onclick: () => void install() }, t('install')),
    );
  return isAppleTouch() ? h('p', { class: 'hint' }, t('installApple')) : undefined;
}
