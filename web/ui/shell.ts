// The page around the pictures: header, tabs, status line, messages, and dropping a bundle anywhere.

import { readSetting, writeSetting } from '../../client/engine/device.ts';
import type { EngineStatus } from '../../client/engine/engine.ts';
import type { Picture } from '../../contract/picture.ts';
import type { CompleteView } from '../complete/completing.ts';
import type { ModelEntry } from '../files/models.ts';
import { type State, VIEWS, type View as ViewName, viewsOf } from '../state.ts';
import { changeLanguage, currentLanguage, type TextKey, t } from '../texts.ts';
import { createBundleDrop } from './bundle-drop.ts';
import { h } from './dom.ts';
import { createDraw } from './draw.ts';
import { createExplore } from './explore.ts';
import { icon, iconButton } from './icons.ts';
import { createLazy } from './lazy.ts';
import { createLivePanel, type LivePanel } from './live.ts';
import { createMix } from './mix.ts';
import { modelTitle, openModels } from './model-dialog.ts';
import { createSaved } from './saved.ts';
import { createStage, type Stage } from './stage.ts';
import { statusText } from './status.ts';
import type { App, TakingView, View } from './view.ts';
import { createWalk } from './walk.ts';
import { createWall } from './wall.ts';

export interface ShellActions {
  models(): readonly ModelEntry[];
  /** Asks the server for the list as it is now. */
  refreshModels(): Promise<readonly ModelEntry[]>;
  pickModel(name: string): void;
  /** An own model was added to the device. */
  modelAdded(name: string): Promise<void>;
  /** One was taken from it. */
  modelRemoved(): void;
  save(): void;
  share(): void;
  device(): void;
}

export interface Shell {
  readonly stage: Stage;
  readonly live: LivePanel;
  /** Opens the list of models. */
  chooseModel(): void;
  update(changed: ReadonlySet<keyof State>): void;
  /** Whether another model was asked for and nothing of it is here yet. */
  showAsking(asking: boolean): void;
  /** Another model is shown, or none yet: `entry` has no pictures so far. */
  modelChanged(entry: ModelEntry): void;
  /** The model has newer weights. */
  refresh(): void;
  rubOut(picture: Picture): void;
  showStatus(status: EngineStatus): void;
  showReady(ready: boolean): void;
  notify(text: string, action?: { label: TextKey; run: () => void }): void;
}

const THEME = 'pocketgen.theme';
/** Milliseconds that a message stays, and after which one that was kept is looked at again. */
const [STAYS, AGAIN] = [6000, 1000];
/** Where the picture stays in sight of what is done, without its controls: layout.css. */
const BY_HAND: ReadonlySet<ViewName> = new Set(['explore', 'walk', 'mix', 'draw', 'complete', 'saved']);
/** What a model can be looked at in. */
const TABS = VIEWS.filter((name) => name !== 'make');

export function createShell(app: App, actions: ShellActions): Shell {
  document.documentElement.lang = currentLanguage() === 'zh' ? 'zh-Hans' : 'en';
  const drawing = createDraw(app);
  const completing = createLazy<CompleteView>(async () =>
    (await import('../complete/completing.ts')).createCompleting(app),
  );
  const making = createLazy<TakingView>(async () => {
    const { createMaking } = await import('../make/making.ts');
    return createMaking(app, { known: actions.models, added: (entry) => actions.modelAdded(entry) });
  });
  const makers: Record<ViewName, (app: App) => View> = {
    wall: createWall,
    explore: createExplore,
    walk: createWalk,
    mix: createMix,
    draw: () => drawing,
    complete: () => completing,
    saved: createSaved,
    how: () => createLazy(async () => (await import('../how/how.ts')).createHow(app)),
    make: () => making,
  };
  const views = new Map<ViewName, View>();
  let current: ViewName | undefined;

  const modelName = h('span', { class: 'model-name', dir: 'auto' });
  const modelButton = h(
    'button',
    { class: 'button model-button', id: 'model', 'aria-haspopup': 'dialog', onclick: chooseModel },
    modelName,
    icon('down'),
  );
  const add = createBundleDrop(app, (entry) => actions.modelAdded(entry), {
    wanted: () => current === 'make' || canDraw(),
    async take(files) {
      if (current === 'make') return new Promise((taken) => making.whenLoaded((view) => taken(view.take(files))));
      const [one] = files;
      if (one === undefined || !canDraw() || !files.every(({ file }) => file.type.startsWith('image/'))) return files;
      app.set({ view: 'draw' }, 'push');
      drawing.take(one.file);
      return [];
    },
  });
  const header = h(
    'header',
    { class: 'top' },
    h('h1', { class: 'wordmark' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'pocketgen'),
    h('div', { class: 'top-tools' }, modelButton, languageButton(), themeButton()),
  );
  const statusWords = h('span', { class: 'status-text' });
  const ready = h('span', { class: 'ready', hidden: true }, ' ', t('offlineReady'));
  const status = h(
    'button',
    { class: 'status', title: t('device'), onclick: actions.device },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('span', {}, statusWords, ready),
  );
  const statusRow = h('div', { class: 'status-row' }, status);
  const stage = createStage(app, actions, statusRow);
  const tabs = h('nav', { class: 'tabs', 'aria-label': t('views') }, ...TABS.map(tab));
  const panel = h('div', { class: 'panel-holder', id: 'pictures', tabindex: -1 });
  const live = createLivePanel();
  const messages = h('div', { class: 'messages', 'aria-live': 'polite' });
  document.body.append(
    skipLink(panel),
    header,
    h(
      'main',
      { class: 'layout' },
      h('div', { class: 'left' }, stage.element),
      h('div', { class: 'right' }, tabs, live.element, panel),
    ),
    messages,
    add.overlay,
  );

  const canDraw = () => current !== undefined && viewsOf(app.manifest).includes('draw');

  function chooseModel(): void {
    openModels({
      models: actions.models(),
      newer: actions.refreshModels(),
      current: app.state.model,
      pick: actions.pickModel,
      removed: actions.modelRemoved,
      add: add.open,
      make,
    });
  }

  /** It needs no model, so it is not among the tabs, which are a model's. */
  function make(): void {
    app.set({ view: 'make' }, 'push');
    if (current !== 'make') show('make').update(new Set(['view']));
  }

  function tab(name: (typeof TABS)[number]): HTMLElement {
    return h(
      'button',
      { class: 'tab', 'data-view': name, onclick: () => app.set({ view: name }, 'push') },
      icon(name),
      h('span', {}, t(name)),
    );
  }

  function show(name: ViewName): View {
    const existing = views.get(name);
    if (name !== current) {
      if (current !== undefined) views.get(current)?.leave?.();
      current = name;
      document.body.dataset.view = name;
      document.body.toggleAttribute('data-by-hand', BY_HAND.has(name));
      const view = existing ?? makers[name](app);
      views.set(name, view);
      panel.replaceChildren(view.element);
      for (const button of tabs.querySelectorAll('button')) {
        if (button.dataset.view === name) button.setAttribute('aria-current', 'page');
        else button.removeAttribute('aria-current');
      }
      return view;
    }
    return existing ?? makers[name](app);
  }

  function themeButton(): HTMLElement {
    const root = document.documentElement;
    const dark = () =>
      (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    const kept = readSetting(THEME);
    if (kept === 'dark' || kept === 'light') root.dataset.theme = kept;
    const flip = () => {
      root.dataset.theme = dark() ? 'light' : 'dark';
      writeSetting(THEME, root.dataset.theme);
    };
    return iconButton('theme', t('theme'), flip);
  }

  function languageButton(): HTMLElement {
    const flip = () => changeLanguage(currentLanguage() === 'en' ? 'zh' : 'en');
    return h(
      'button',
      {
        class: 'text-button',
        lang: currentLanguage() === 'en' ? 'zh-Hans' : 'en',
        'aria-label': t('languageLabel'),
        onclick: flip,
      },
      t('language'),
    );
  }

  function notify(text: string, action?: { label: TextKey; run: () => void }): void {
    const message = h('div', { class: 'message' }, h('span', {}, text));
    let before: HTMLElement = panel;
    message.addEventListener('focusin', ({ relatedTarget }) => {
      if (relatedTarget instanceof HTMLElement && !message.contains(relatedTarget)) before = relatedTarget;
    });
    const remove = () => {
      // Gone with a button of its own the focus would be nowhere.
      if (message.contains(document.activeElement))
        (before.isConnected ? before : panel).focus({ preventScroll: true });
      message.remove();
    };
    /** Not from under whoever points at it or has come to its button. */
    const expire = () => {
      if (message.matches(':hover, :focus-within')) setTimeout(expire, AGAIN);
      else remove();
    };
    if (action !== undefined) {
      const run = () => {
        remove();
        action.run();
      };
      message.append(h('button', { class: 'button strong', onclick: run }, t(action.label)));
    } else setTimeout(expire, STAYS);
    message.append(iconButton('close', t('close'), remove));
    messages.append(message);
  }

  return {
    stage,
    live,
    chooseModel,
    update(changed) {
      stage.update(changed);
      const fresh = current !== app.state.view;
      const view = show(app.state.view);
      view.update(fresh ? new Set([...changed, 'view']) : changed);
    },
    showAsking(asking) {
      modelButton.setAttribute('aria-busy', String(asking));
    },
    modelChanged(entry) {
      document.title = `${entry.title} · pocketgen`;
      modelName.textContent = modelTitle(entry);
      modelButton.setAttribute('aria-label', t('modelIs', { name: modelTitle(entry) }));
      document.body.toggleAttribute('data-waiting', entry.bundle === undefined);
      if (entry.bundle !== undefined) {
        const views = viewsOf(app.manifest);
        for (const button of tabs.querySelectorAll('button'))
          button.hidden = !views.some((view) => view === button.dataset.view);
        return stage.modelChanged();
      }
      if (current !== undefined) views.get(current)?.leave?.();
      current = undefined;
      panel.replaceChildren();
    },
    refresh() {
      stage.refresh();
      if (current !== undefined) views.get(current)?.refresh();
    },
    rubOut(picture) {
      app.set({ view: 'complete' }, 'push');
      completing.whenLoaded((view) => view.take(picture));
    },
    showStatus(next) {
      statusWords.textContent = statusText(next);
      status.dataset.phase = next.phase;
      if (next.phase === 'running') status.dataset.provider = next.provider;
    },
    showReady(value) {
      ready.hidden = !value;
    },
    notify,
  };
}

function skipLink(target: HTMLElement): HTMLElement {
  // Not a fragment link: the address behind # is the page's state.
  const jump = () => target.focus();
  return h('button', { class: 'skip', onclick: jump }, t('skip'));
}
