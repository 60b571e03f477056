// What lies beside and below the pad: what a stroke does, how broad it is, halves at a tap, and ways back.
import { check, WIDTHS, widthChoice } from '../draw/tools.ts';
import { type Brush, ERASER, type Mark } from '../draw/work.ts';
import { h } from '../ui/dom.ts';
import { iconButton } from '../ui/icons.ts';
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
  const modes = [
    ['#000000', iconButton('complete', words('erase'), () => set({ colour: '#000000' }))],
    [ERASER, iconButton('draw', words('restore'), () => set({ colour: ERASER }))],
  ] as const;
  const undo = iconButton('undo', words('undo'), actions.undo);
  const clear = iconButton('clear', words('clear'), actions.clear);
  const widths = widthChoice('rub-width', words('widths'), (width) => set({ width }));
  check(widths, BROAD);
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
