// The icons, 24 × 24, drawn with the current colour.
import { h, svg } from './dom.ts';

const PATHS = {
  wall: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  explore: 'M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3',
  walk: 'M4 18c3-9 6-9 8-4s5 5 8-8M4 18m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M20 6m-1.5 0a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0',
  draw: 'M4 20l1-5L16 4l4 4L9 19zM13.5 6.5l4 4',
  mix: 'M6 3v4c0 3 12 7 12 10v4M18 3v4c0 3-12 7-12 10v4M8 8h8M8 16h8',
  complete: 'M9 20l-5-5L14 5l6 6-9 9zM9 10l6 6M9 20h11',
  saved: 'M12 20S4 15 4 9.5A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8 2.5C20 15 12 20 12 20z',
  how: 'M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.5M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18',
  dice: 'M5 5h14v14H5zM9 9v.01M15 9v.01M12 12v.01M9 15v.01M15 15v.01',
  save: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  share: 'M12 15V4M8 8l4-4 4 4M6 12v8h12v-8',
  theme: 'M12 3a9 9 0 1 0 0 18V3z',
  close: 'M6 6l12 12M18 6L6 18',
  play: 'M8 5l11 7-11 7z',
  pause: 'M8 5v14M16 5v14',
  swap: 'M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4',
  down: 'M6 9l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  undo: 'M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-4',
  clear: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
  photo: 'M4 5h16v14H4zM4 17l5-5 4 4 3-3 4 4M9 9v.01',
  camera: 'M4 8h4l1.5-3h5L16 8h4v11H4zM12 10a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 24 24', class: `icon icon-${name}`, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: PATHS[name] }),
  );
}

/** A button that shows an icon only: `text` is what it is called, aloud and under the mouse. */
export function iconButton(name: IconName, text: string, run: () => void): HTMLButtonElement {
  return h('button', { class: 'icon-button', 'aria-label': text, title: text, onclick: run }, icon(name));
}
