// "Make a model": the view is loaded when it is first shown, and the trainer with it: a first visit does without both.
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { App, View } from './view.ts';

/** `added`: an own model is on this device now. */
export function createMake(app: Pick<App, 'notify'>, added: (name: string) => Promise<void>): View {
  const element = h('div', { class: 'view' });
  let asked = false;

  async function load(): Promise<void> {
    try {
      const { createMaking } = await import('../make/making.ts');
      element.replaceChildren(createMaking(app, added));
    } catch {
      asked = false; // asked for again when it is shown again
      element.replaceChildren(h('p', { role: 'alert' }, t('failUnloaded')));
    }
  }

  return {
    element,
    update() {
      if (asked) return;
      asked = true;
      void load();
    },
    refresh: () => undefined,
  };
}
