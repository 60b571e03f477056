// "Put my picture in": the view itself is loaded when it is first shown, so that a first visit does without it.
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { App, View } from './view.ts';

export interface DrawView extends View {
  /** A photo or drawing to put in. */
  take(picture: Blob): void;
}

export function createDraw(app: App): DrawView {
  const element = h('div', { class: 'view' });
  let view: DrawView | undefined;
  let loading: Promise<void> | undefined;
  let shown = false;

  async function load(): Promise<void> {
    try {
      const { createDrawing } = await import('../draw/drawing.ts');
      view = createDrawing(app);
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
      loading ??= load();
    },
    refresh: () => view?.refresh(),
    leave() {
      shown = false;
      view?.leave?.();
    },
    take(picture) {
      loading ??= load();
      void loading.then(() => view?.take(picture));
    },
  };
}
