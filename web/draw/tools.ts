// What lies beside the pad: colours, brushes, and what can be done with a photo.
import type { Colour } from '../../contract/background.ts';
import { contrast } from '../pictures/ground.ts';
import { h } from '../ui/dom.ts';
import { type IconName, icon } from '../ui/icons.ts';
import { type Word, words } from './texts.ts';
import { type Brush, ERASER } from './work.ts';

const GREYS = {
  '#ffffff': 'white',
  '#c0c0c0': 'lightGrey',
  '#808080': 'grey',
  '#404040': 'darkGrey',
  '#000000': 'black',
} as const;
const COLOURS = {
  '#000000': 'black',
  '#ffffff': 'white',
  '#8b8d98': 'grey',
  '#e5484d': 'red',
  '#f76b15': 'orange',
  '#ffd60a': 'yellow',
  '#46a758': 'green',
  '#12a594': 'teal',
  '#0090ff': 'blue',
  '#8e4ec6': 'purple',
  '#f06fb0': 'pink',
  '#8d5f3f': 'brown',
} as const;
/** Of the pad. */
export const WIDTHS = [0.035, 0.07, 0.13, 0.24] as const;

export interface BrushTools {
  readonly element: HTMLElement;
  /** Colours for a model of so many channels whose pictures are on `ground`. */
  reset(channels: number, size: number, ground: Colour | undefined): void;
}

export function createBrushTools(change: (brush: Brush) => void): BrushTools {
  let brush: Brush = { colour: '#000000', width: WIDTHS[1], filled: false };
  const set = (part: Partial<Brush>) => {
    brush = { ...brush, ...part };
    change(brush);
  };
  const palette = h('div', { class: 'palette', role: 'radiogroup', 'aria-label': words('colours') });
  const widths = widthChoice('brush-width', words('widths'), (width) => set({ width }));
  const filled = h('input', { type: 'checkbox', onchange: () => set({ filled: filled.checked }) });
  const own = h('input', {
    type: 'color',
    tabindex: -1,
    'aria-hidden': 'true',
    oninput: () => {
      own.parentElement?.style.setProperty('--swatch', own.value);
      set({ colour: own.value });
    },
  });

  function colour(value: string, name: Word): HTMLElement {
    const option = radio('brush-colour', words(name), () => set({ colour: value }));
    option.style.setProperty('--swatch', value);
    return option;
  }

  function ownColour(): HTMLElement {
    const option = radio('brush-colour', words('own'), () => set({ colour: own.value }));
    option.classList.add('swatch-own');
    // By a finger or the space bar: only those may open the dialog. Refused otherwise, and the colour stays.
    option.querySelector('input')?.addEventListener('click', () => {
      try {
        own.showPicker();
      } catch {
        // Nothing else is to be done.
      }
    });
    option.append(own);
    return option;
  }

  return {
    element: h(
      'div',
      { class: 'tools' },
      palette,
      h('div', { class: 'bar' }, widths, h('label', { class: 'check' }, filled, words('filled'))),
    ),
    reset(channels, size, ground = [255, 255, 255]) {
      const eraser = radio('brush-colour', words('eraser'), () => set({ colour: ERASER }));
      eraser.classList.add('swatch-eraser');
      eraser.querySelector('span')?.append(icon('complete'));
      const colours = Object.entries(channels === 1 ? GREYS : COLOURS);
      palette.replaceChildren(
        ...colours.map(([value, name]) => colour(value, name)),
        ...(channels === 1 ? [] : [ownColour()]),
        eraser,
      );
      const onDark = contrast(ground, [0, 0, 0]) < contrast(ground, [255, 255, 255]);
      // A line of some pixels, however few the picture has.
      const width = WIDTHS[size <= 32 ? 2 : 1];
      set({ colour: onDark ? '#ffffff' : '#000000', width });
      check(
        palette,
        colours.findIndex(([value]) => value === brush.colour),
      );
      check(widths, WIDTHS.indexOf(width));
    },
  };
}

export interface PhotoTools {
  readonly element: HTMLElement;
  /** zoom: from 0 to 1; moving: whether a drag moves the photo. */
  update(state: { zoom: number; moving: boolean; inverted: boolean; invertible: boolean }): void;
}

export interface PhotoActions {
  zoom(share: number): void;
  moving(on: boolean): void;
  invert(on: boolean): void;
  remove(): void;
}

export function createPhotoTools(actions: PhotoActions): PhotoTools {
  const slider = h('input', {
    id: 'photo-zoom',
    type: 'range',
    min: 0,
    max: 1,
    step: 0.01,
    oninput: () => actions.zoom(Number(slider.value)),
  });
  const zoom = h('div', { class: 'slider-row' }, h('label', { for: 'photo-zoom' }, words('zoom')), slider);
  const invert = h('input', { type: 'checkbox', onchange: () => actions.invert(invert.checked) });
  const inverting = h('label', { class: 'check' }, invert, words('invert'));
  const modes = ([true, false] as const).map((moving) =>
    h('button', { class: 'chip', onclick: () => actions.moving(moving) }, words(moving ? 'crop' : 'brush')),
  );
  return {
    element: h(
      'div',
      { class: 'tools' },
      h('div', { class: 'bar', role: 'group', 'aria-label': words('mode') }, ...modes),
      zoom,
      h(
        'div',
        { class: 'bar' },
        inverting,
        h('button', { class: 'button', onclick: actions.remove }, icon('close'), words('remove')),
      ),
    ),
    update({ zoom: share, moving, inverted, invertible }) {
      slider.value = String(share);
      slider.setAttribute('aria-valuetext', `${Math.round(share * 100)} %`);
      zoom.hidden = !moving;
      invert.checked = inverted;
      inverting.hidden = !invertible;
      modes.forEach((button, i) => {
        button.setAttribute('aria-pressed', String(moving === (i === 0)));
      });
    },
  };
}

function radio(name: string, label: string, pick: () => void): HTMLElement {
  const input = h('input', { type: 'radio', name, 'aria-label': label, onchange: pick });
  return h('label', { class: 'swatch', title: label }, input, h('span', { 'aria-hidden': 'true' }));
}

export function check(group: HTMLElement, index: number): void {
  const input = group.querySelectorAll<HTMLInputElement>('input[type=radio]')[index];
  if (input !== undefined) input.checked = true;
}

/** Radio buttons for the WIDTHS, in their order. */
export function widthChoice(name: string, label: string, pick: (width: number) => void): HTMLElement {
  const options = WIDTHS.map((width, i) => {
    const option = radio(name, words(`width-${i as 0 | 1 | 2 | 3}`), () => pick(width));
    option.classList.add('width');
    option.style.setProperty('--dot', `${6 + i * 6}px`);
    return option;
  });
  return h('div', { class: 'palette', role: 'radiogroup', 'aria-label': label }, ...options);
}

export function iconTool(name: IconName, word: Word, run: () => void): HTMLButtonElement {
  return h('button', { class: 'button tool', onclick: run }, icon(name), words(word));
}
