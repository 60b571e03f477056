// How it works: five sentences, the network drawn from the model file, and the training record of the bundle.
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { App, View } from './view.ts';

export function createHow(app: App): View {
  const body = h('div', { class: 'prose' });
  const element = h('div', { class: 'view' }, body);
  return {
    element,
    update(changed) {
      if (!changed.has('view') && !changed.has('model')) return;
      const sentences = (['how1', 'how2', 'how3', 'how4', 'how5'] as const).map((key) =>
        h('li', {}, t(key, { latent: app.manifest.latent.size })),
      );
      body.replaceChildren(h('h2', {}, t('howTitle')), h('ol', { class: 'sentences' }, ...sentences));
    },
  };
}
