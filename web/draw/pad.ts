// The pad: a brush by finger, pen, mouse or keys; a photo moved by drag, wheel, pinch or keys; undo. What is on it comes out in
// the model's size.
import { backgroundName, type Colour } from '../../contract/background.ts';
import { type Fit, intake } from '../../contract/intake.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { arrowMove, h } from '../ui/dom.ts';
import { cropped, moved, type Placed, pixelsOf, zoomed } from './photo.ts';
import { type Brush, type Mark, NOTHING, paintGround, paintMark, paintPhoto, type Sheet, type Work } from './work.ts';

export interface Pad {
  readonly element: HTMLElement;
  readonly work: Work;
  brush: Brush;
  /** Whether a drag moves the photo. */
  moving: boolean;
  /** Goes on from here; `undo` goes back. Of many changes of one `kind` in a row the last is one step. */
  change(next: Work, kind?: string): void;
  undo(): void;
  readonly canUndo: boolean;
  /**
   * Pictures of another size or kind: marks of the old one do not fit, a photo does. `fit` is how the model's own were fitted, `ground`
   * what they are on.
   */
  reset(image: Manifest['image'], fit: Fit, ground: Colour | undefined): void;
  /** What is on it, as the model has pictures. */
  picture(): Picture;
}

/** Of the pad, which is 1 wide. */
interface Spot {
  x: number;
  y: number;
}

/** Pixels of the pad's longer side, about. */
const SIDE = 448;
/** Of the pad, which has the model's shape and, where it is opaque, its ground. */
const ON_GROUND: Fit = { fit: 'cover', background: [255, 255, 255] };
/** Changes of one kind that are closer in time are one step. */
const ONE_STEP = 800;

/** `changed` is told of everything that changes the picture, and whether it is done with for now. */
export function createPad(changed: (settled: boolean) => void, pen: (down: boolean) => void): Pad {
  const canvas = h('canvas', { class: 'ink' });
  const cursor = h('div', { class: 'nib', hidden: true });
  const element = h(
    'div',
    {
      class: 'pad sheet draw-pad',
      tabindex: 0,
      role: 'application',
      onpointerdown: (event) => press(event as PointerEvent),
      onpointermove: (event) => drag(event as PointerEvent),
      onpointerup: (event) => lift(event as PointerEvent),
      onpointercancel: (event) => lift(event as PointerEvent),
      onkeydown: (event) => key(event as KeyboardEvent),
      onfocus: () => showNib(!pad.moving && element.matches(':focus-visible')),
      onblur: () => {
        lower(false);
        showNib(false);
      },
    },
    canvas,
    cursor,
  );
  element.addEventListener('wheel', wheel, { passive: false });

  let kind: { image: Manifest['image']; fit: Fit } | undefined;
  let sheet: Sheet | undefined;
  let ground: Colour | undefined;
  /** All but the mark that is being made: a long drawing is not painted anew for every move of the hand. */
  let behind: HTMLCanvasElement | undefined;
  let work = NOTHING;
  let past: Work[] = [];
  let last = { kind: '', at: 0 };
  let mark: Mark | undefined;
  const fingers = new Map<number, Spot>();
  const nib = { x: 0.5, y: 0.5, down: false };

  const shape = () => canvas.height / canvas.width;

  function paint(): void {
    if (sheet === undefined) return;
    paintGround(sheet);
    if (work.photo !== undefined) paintPhoto(sheet, work.photo);
    for (const one of work.marks) paintMark(sheet, one);
    behind?.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
    behind?.getContext('2d')?.drawImage(canvas, 0, 0);
  }

  function paintLive(): void {
    if (sheet === undefined || behind === undefined || mark === undefined) return;
    sheet.context.clearRect(0, 0, canvas.width, canvas.height);
    sheet.context.drawImage(behind, 0, 0);
    paintMark(sheet, mark);
    changed(false);
  }

  function change(next: Work, kind = ''): void {
    const now = performance.now();
    if (kind === '' || kind !== last.kind || now - last.at > ONE_STEP) past.push(work);
    last = { kind, at: now };
    work = next;
    paint();
  }

  function undo(): void {
    finish();
    const before = past.pop();
    if (before === undefined) return;
    last = { kind: '', at: 0 };
    work = before;
    paint();
    changed(true);
  }

  function place(next: Placed, settled: boolean): void {
    change({ ...work, photo: next }, 'photo');
    changed(settled);
  }

  function spot(event: MouseEvent): Spot {
    const box = element.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.width };
  }

  function begin({ x, y }: Spot): void {
    mark = { ...pad.brush, points: [x, y] };
    paintLive();
  }

  function extend(spots: readonly Spot[]): void {
    if (mark === undefined) return;
    mark = { ...mark, points: [...mark.points, ...spots.flatMap(({ x, y }) => [x, y])] };
    paintLive();
  }

  function finish(): void {
    if (mark === undefined) return;
    const made = mark;
    mark = undefined;
    change({ ...work, marks: [...work.marks, made] });
    changed(true);
  }

  function press(event: PointerEvent): void {
    if (event.button !== 0) return;
    // One that was down when the pad was left came up unseen.
    for (const finger of fingers.keys()) if (!element.hasPointerCapture(finger)) fingers.delete(finger);
    element.setPointerCapture(event.pointerId);
    lower(false);
    showNib(false);
    const here = spot(event);
    fingers.set(event.pointerId, here);
    if (!pad.moving && fingers.size === 1) begin(here);
  }

  function drag(event: PointerEvent): void {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const here = spot(event);
    if (mark !== undefined) {
      if (fingers.keys().next().value !== event.pointerId) return; // another finger, or the palm
      const between = event.getCoalescedEvents?.() ?? [];
      extend(between.length > 1 ? between.map(spot) : [here]);
    } else if (pad.moving && work.photo !== undefined) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, here);
      place(carried(work.photo, before, here, other), false);
    }
  }

  /** With another finger down it is a pinch, around the middle of both. */
  function carried(photo: Placed, before: Spot, here: Spot, other: Spot | undefined): Placed {
    const [right, down] = [here.x - before.x, here.y - before.y];
    if (other === undefined) return moved(photo, shape(), right, down);
    const apart = (one: Spot) => Math.max(0.02, Math.hypot(one.x - other.x, one.y - other.y));
    const [x, y] = [(here.x + other.x) / 2, (here.y + other.y) / 2];
    return moved(zoomed(photo, shape(), apart(here) / apart(before), x, y), shape(), right / 2, down / 2);
  }

  function lift(event: PointerEvent): void {
    const first = fingers.keys().next().value === event.pointerId;
    if (!fingers.delete(event.pointerId)) return;
    if (first) finish();
    if (pad.moving && fingers.size === 0) {
      last = { kind: '', at: 0 }; // the next drag is a step of its own
      changed(true);
    }
  }

  function wheel(event: WheelEvent): void {
    if (!pad.moving || work.photo === undefined) return;
    event.preventDefault();
    const { x, y } = spot(event);
    place(zoomed(work.photo, shape(), Math.exp(-event.deltaY / 500), x, y), true);
  }

  function lower(down: boolean): void {
    if (down !== nib.down) pen(down);
    nib.down = down;
    if (down) begin(nib);
    else finish();
  }

  function showNib(shown: boolean): void {
    cursor.hidden = !shown;
    cursor.classList.toggle('down', nib.down);
    cursor.style.left = `${nib.x * 100}%`;
    cursor.style.top = `${(nib.y / shape()) * 100}%`;
  }

  function key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = arrowMove(event, 0.02, 0.1);
    const factor = { '+': 1.1, '=': 1.1, '-': 1 / 1.1 }[event.key];
    const { photo } = work;
    if (pad.moving && photo !== undefined) {
      if (move !== undefined) place(moved(photo, shape(), ...move), true);
      else if (factor !== undefined) place(zoomed(photo, shape(), factor), true);
      else return;
    } else {
      if (event.key === ' ') lower(!nib.down);
      else if (move !== undefined) {
        nib.x = Math.max(0, Math.min(1, nib.x + move[0]));
        nib.y = Math.max(0, Math.min(shape(), nib.y + move[1]));
        if (nib.down) extend([nib]);
      } else return;
      showNib(true);
    }
    event.preventDefault();
  }

  const pad: Pad = {
    element,
    brush: { colour: '#000000', width: 0.06, filled: false },
    moving: false,
    get work() {
      return work;
    },
    get canUndo() {
      return past.length > 0;
    },
    change(next, kind) {
      finish();
      change(next, kind);
      changed(true);
    },
    undo,
    reset(image, fit, on) {
      kind = { image, fit };
      ground = on;
      const { width, height } = image;
      // So many of the pad's pixels in each of the picture's.
      const scale = Math.max(1, Math.round(SIDE / Math.max(width, height)));
      Object.assign(canvas, { width: width * scale, height: height * scale });
      behind = h('canvas', { width: canvas.width, height: canvas.height });
      const context = canvas.getContext('2d', { willReadFrequently: true });
      sheet = context === null ? undefined : { context, ground: on && `#${backgroundName(on)}` };
      element.style.setProperty('--shape', `${width} / ${height}`);
      element.classList.toggle('grey', image.channels === 1);
      past = [];
      mark = undefined;
      work = { photo: work.photo && moved({ ...work.photo, inverted: false }, shape(), 0, 0), marks: [] };
      paint();
    },
    picture() {
      if (kind === undefined) throw new Error('the pad has no model yet');
      const { image, fit } = kind;
      const { photo, marks } = work;
      // Straight from the photo's own pixels where nothing is drawn on it.
      if (photo !== undefined && marks.length === 0 && mark === undefined) return cropped(photo, image, fit, ground);
      return intake(pixelsOf(canvas), image, ON_GROUND);
    },
  };
  return pad;
}
