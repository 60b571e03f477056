// A view whose code is loaded when it is first shown: a first visit does without it.
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { View } from './view.ts';

export interface LazyView<V extends View> extends View {
  /** Loads it, shown or not, and hands it over. */
  whenLoaded(use: (view: V) => void): void;
}

export function createLazy<V extends View>(load: () => Promise<V>): LazyView<V> {
  const element = h('div', { class: 'view' });
  let view: V | undefined;
  let loading: Promise<void> | undefined;
  let shown = false;

  async function begin(): Promise<void> {
    try {
      view = await load();
      element.replaceChildren(view.element);
      if (shown) view.update(new Set(['view']));
    } catch {
      loading = undefined; // asked for again when it is shown again
      element.replaceChildren(h('p', { role: 'alert' }, t('failUnloaded')));
    }
  }

  return {
    element,
    update(changed) {
      shown = true;
      if (view !== undefined) return view.update(changed);
      loading ??= begin();
    },
    refresh: () => view?.refresh(),
    leave() {
      shown = false;
      view?.leave?.();
    },
    whenLoaded(use) {
      loading ??= begin();
      void loading.then(() => view !== undefined && use(view));
    },
  };
}
