// What lies beside and below the pad: what a stroke does, how broad it is, halves at a tap, and ways back.
import { radio, WIDTHS } from '../draw/tools.ts';
import { type Brush, ERASER, type Mark } from '../draw/work.ts';
import { h } from '../ui/dom.ts';
import { type IconName, icon } from '../ui/icons.ts';
import { HALVES, type Half, rectangle } from './mask.ts';
import { words } from './texts.ts';

export interface RubTools {
  readonly beside: HTMLElement;
  readonly below: HTMLElement;
  update(state: { canUndo: boolean; canClear: boolean }): void;
}

export interface RubActions {
  brush(brush: Brush): void;
  mark(mark: Mark): void;
  undo(): void;
  clear(): void;
}

const BROAD = 2;

/** Colours of strokes are seen nowhere: only whether they take away or bring back. */
export function createRubTools(actions: RubActions, shape: () => number): RubTools {
  let brush: Brush = { colour: '#000000', width: WIDTHS[BROAD], filled: false };
  const set = (part: Partial<Brush>) => {
    brush = { ...brush, ...part };
    actions.brush(brush);
    for (const [colour, button] of modes) button.setAttribute('aria-pressed', String(colour === brush.colour));
  };
  const tool = (name: IconName, word: Parameters<typeof words>[0], run: () => void) =>
    h('button', { class: 'icon-button', 'aria-label': words(word), title: words(word), onclick: run }, icon(name));
  const modes = [
    ['#000000', tool('complete', 'erase', () => set({ colour: '#000000' }))],
    [ERASER, tool('draw', 'restore', () => set({ colour: ERASER }))],
  ] as const;
  const undo = tool('undo', 'undo', actions.undo);
  const clear = tool('clear', 'clear', actions.clear);
  const widths = h(
    'div',
    { class: 'palette', role: 'radiogroup', 'aria-label': words('widths') },
    ...WIDTHS.map((width, i) => {
      const option = radio('rub-width', words(`width-${i as 0 | 1 | 2 | 3}`), () => set({ width }));
      option.classList.add('width');
      option.style.setProperty('--dot', `${6 + i * 6}px`);
      return option;
    }),
  );
  const broad = widths.querySelectorAll('input')[BROAD];
  if (broad !== undefined) broad.checked = true;
  const halves = (Object.keys(HALVES) as Half[]).map((half) =>
    h('button', { class: 'chip', onclick: () => actions.mark(rectangle(HALVES[half], shape())) }, words(half)),
  );
  set({});
  return {
    beside: h(
      'div',
      { class: 'rub-tools' },
      h(
        'div',
        { class: 'rub-modes', role: 'group', 'aria-label': words('mode') },
        ...modes.map(([, button]) => button),
      ),
      undo,
      clear,
      widths,
    ),
    below: h('div', { class: 'bar', role: 'group', 'aria-label': words('halves') }, ...halves),
    update({ canUndo, canClear }) {
      undo.disabled = !canUndo;
      clear.disabled = !canClear;
    },
  };
}
