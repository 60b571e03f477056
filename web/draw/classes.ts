// What the picture is of: chips, a list where there are many, nothing where there is only one thing it can be.
import { h } from '../ui/dom.ts';
import { MOST_CHIPS } from '../ui/stage.ts';
import { words } from './texts.ts';

export interface ClassPicker {
  readonly element: HTMLElement;
  /** 0 for a model without classes and with one; undefined until one is chosen. */
  chosen(): number | undefined;
  reset(classes: readonly string[], first: number | undefined): void;
}

export function createClassPicker(changed: () => void): ClassPicker {
  let chosen: number | undefined;
  const label = h('span', { id: 'draw-what', class: 'what' }, words('what'));
  const chips = h('div', { class: 'chips', role: 'group', 'aria-labelledby': label.id });
  const list = h('select', {
    class: 'class-list',
    'aria-labelledby': label.id,
    onchange: () => pick(list.value === '' ? undefined : Number(list.value)),
  });
  const element = h('div', { class: 'field' }, label, chips, list);

  function pick(index: number | undefined): void {
    chosen = index;
    mark();
    changed();
  }

  function mark(): void {
    list.value = chosen === undefined ? '' : String(chosen);
    for (const [i, chip] of [...chips.children].entries()) chip.setAttribute('aria-pressed', String(i === chosen));
  }

  return {
    element,
    chosen: () => chosen,
    reset(classes, first) {
      chosen = classes.length < 2 ? 0 : first;
      const many = classes.length > MOST_CHIPS;
      element.hidden = classes.length < 2;
      chips.hidden = many;
      list.hidden = !many;
      chips.replaceChildren(
        ...(many
          ? []
          : classes.map((name, i) => h('button', { class: 'chip', dir: 'auto', onclick: () => pick(i) }, name))),
      );
      list.replaceChildren(
        h('option', { value: '' }, words('what')),
        ...(many ? classes.map((name, i) => h('option', { value: i }, name)) : []),
      );
      mark();
    },
  };
}
