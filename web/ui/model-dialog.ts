// The dialog "Models": every model of this site and of this device with its size, classes and bytes, one chosen; and
// adding one's own.
import type { ModelEntry } from '../files/models.ts';
import { forgetOwn } from '../files/own.ts';
import { t } from '../texts.ts';
import { number } from './curve.ts';
import { openDialog } from './dialogs.ts';
import { h } from './dom.ts';
import { icon, iconButton } from './icons.ts';

export interface ModelChoices {
  models: readonly ModelEntry[];
  /** The list as the server has it now, when it has answered. */
  newer: Promise<readonly ModelEntry[]>;
  current: string;
  pick(name: string): void;
  /** An own model was removed from the device. */
  removed(): void;
  add(): void;
  /** Asks for pictures to make one of. */
  make(): void;
}

export function openModels({ models, newer, current, pick, removed, add, make }: ModelChoices): void {
  const list = h('ul', { class: 'choices', 'aria-label': t('models') });
  const dialog = openDialog(
    t('models'),
    h('p', { class: 'hint' }, t('modelsHelp')),
    list,
    h(
      'div',
      { class: 'bar' },
      h('button', { class: 'button', onclick: then(make) }, icon('draw'), t('make')),
      h('button', { class: 'button', onclick: then(add) }, icon('plus'), t('addBundle')),
    ),
  );
  function then(next: () => void): () => void {
    return () => {
      dialog.close();
      next();
    };
  }
  const fill = (entries: readonly ModelEntry[]) =>
    list.replaceChildren(...entries.map((entry) => h('li', { class: 'choice-row' }, ...choice(entry))));
  fill(models);
  void newer.then((entries) => {
    if (JSON.stringify(entries) !== JSON.stringify(models)) fill(entries);
  });

  async function forget(entry: ModelEntry): Promise<void> {
    if (!confirm(t('forgetSure', { name: entry.title }))) return;
    await forgetOwn(entry);
    removed();
  }

  // Buttons, not radio buttons: looking along the list with the arrow keys would open one model after another.
  function choice(entry: ModelEntry): (HTMLElement | false)[] {
    const words = t('forgetBundle', { name: entry.title });
    const shown = entry.name === current;
    return [
      h(
        'button',
        {
          class: 'choice',
          'aria-current': shown ? 'true' : undefined,
          onclick: then(() => shown || pick(entry.name)),
        },
        h('span', {}, h('b', { dir: 'auto' }, modelTitle(entry)), h('small', {}, factsOf(entry))),
      ),
      entry.own &&
        iconButton(
          'close',
          words,
          then(() => void forget(entry)),
        ),
    ];
  }
}

export function modelTitle({ title, own }: ModelEntry): string {
  return own ? t('ownModel', { name: title }) : title;
}

/** "64 × 64, colour · 9 classes · 0.6 MB · being trained" */
function factsOf({ bundle, training, problem }: ModelEntry): string {
  if (problem !== undefined) return problem;
  if (bundle === undefined) return [t('isTraining'), t('noPicturesYet')].join(' · ');
  const { image, classes, bytes } = bundle;
  const facts = [
    `${t('sizeIs', { w: image.width, h: image.height })}, ${t(`kind${image.channels}`)}`,
    classes === 0 ? t('noClasses') : classes === 1 ? t('oneClass') : t('classesAre', { n: classes }),
    t('modelBytes', { mb: number(bytes / 1e6, { maximumSignificantDigits: 2 }) }),
  ];
  return [...facts, ...(training ? [t('isTraining')] : [])].join(' · ');
}
