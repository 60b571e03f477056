// The little that is needed of a UI library: h() makes an element, draw() puts a picture on a canvas.
import type { Picture } from '../../contract/picture.ts';

type Child = Node | string | undefined | false;
type Props = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;

/** h('button', { class: 'x', onclick: f, 'aria-label': 'y' }, 'text'); true sets an empty attribute, undefined and false none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

export function svg(
  tag: string,
  props: Record<string, string | number> = {},
  ...children: (Node | string)[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A canvas of a picture's size that stays in main memory: hundreds of small GPU surfaces would not be small. */
export function pictureCanvas(width: number, height: number): HTMLCanvasElement {
  const canvas = h('canvas', { width, height, class: 'pixels' });
  canvas.getContext('2d', { willReadFrequently: true });
  return canvas;
}

export function toImageData(picture: Picture): ImageData {
  const { width, height, channels, data } = picture;
  const out = new ImageData(width, height);
  const colour = channels >= 3;
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    out.data[i * 4] = data[at] ?? 0;
    out.data[i * 4 + 1] = data[colour ? at + 1 : at] ?? 0;
    out.data[i * 4 + 2] = data[colour ? at + 2 : at] ?? 0;
    out.data[i * 4 + 3] = channels === 4 ? (data[at + 3] ?? 255) : 255;
  }
  return out;
}

export function draw(canvas: HTMLCanvasElement, picture: Picture, x = 0, y = 0): void {
  canvas.getContext('2d', { willReadFrequently: true })?.putImageData(toImageData(picture), x, y);
}

export function clear(canvas: HTMLCanvasElement): void {
  canvas.getContext('2d', { willReadFrequently: true })?.clearRect(0, 0, canvas.width, canvas.height);
}

/** Only what changes: a screen reader reads a status again whenever it is written. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The enlargement nearest to `target` CSS pixels wide that gives each pixel a whole number of the screen's: square and even. */
export function evenSize(width: number, target: number): number {
  const dots = window.devicePixelRatio || 1;
  return (width * Math.max(1, Math.round((target / width) * dots))) / dots;
}

/** Sets the size of a sheet's tiles before there are pictures in them. Large pictures get larger tiles than were asked for. */
export function setTiles(
  sheet: HTMLElement,
  { width, height }: { width: number; height: number },
  target: number,
): void {
  const tile = evenSize(width, Math.max(target, Math.min(width, 96)));
  sheet.style.setProperty('--tile', `${tile}px`);
  sheet.style.setProperty('--tile-height', `${(tile * height) / width}px`);
}

/** Runs `work` at most once a frame with the newest argument, never two at a time. */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let next: { value: T } | undefined;
  let busy = false;
  async function loop(): Promise<void> {
    busy = true;
    try {
      while (next !== undefined) {
        const { value } = next;
        next = undefined;
        await work(value);
      }
    } finally {
      busy = false;
    }
  }
  return (value) => {
    next = { value };
    if (!busy) void loop();
  };
}

/** How far an arrow key moves something, as [right, down]: `fine` alone, `coarse` with Shift; undefined for other keys. */
export function arrowMove(
  { key, shiftKey }: KeyboardEvent,
  fine: number,
  coarse: number,
): [number, number] | undefined {
  const step = shiftKey ? coarse : fine;
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, -step],
    ArrowDown: [0, step],
  };
  return moves[key];
}
