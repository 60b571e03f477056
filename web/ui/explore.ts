// The explorer: a plane of latent space through the large picture. Drag on it and the picture follows; a map of small
// pictures lies underneath.
import { Dropped } from '../../client/engine/queue.ts';
import { toGrid, toMix } from '../../contract/compact.ts';
import {
  classWeights,
  type FreePoint,
  inputsOf,
  onPlane,
  type Point,
  planeThrough,
  rawLatent,
} from '../pictures/point.ts';
import { t } from '../texts.ts';
import { arrowMove, draw, h, latest, pictureCanvas } from './dom.ts';
import { icon } from './icons.ts';
import type { App, View } from './view.ts';

/** Pictures along each side of the map: odd, so that one is in the middle. */
const SIDE = 9;

export function createExplore(app: App): View {
  let map = pictureCanvas(1, 1);
  const cross = h('div', { class: 'cross' });
  const pad = h(
    'div',
    {
      class: 'pad sheet',
      tabindex: 0,
      role: 'application',
      'aria-label': t('explorePad'),
      onpointerdown: (event) => press(event as PointerEvent),
      onpointermove: (event) => drag(event as PointerEvent),
      onkeydown: (event) => key(event as KeyboardEvent),
    },
    map,
    cross,
  );
  const element = h(
    'div',
    { class: 'view' },
    h('p', { class: 'hint' }, t('exploreHelp')),
    pad,
    h(
      'div',
      { class: 'bar' },
      h('button', { class: 'button strong', onclick: choose }, icon('plus'), t('makeCentre')),
      h('button', { class: 'button', onclick: () => moveTo(0, 0) }, t('backToMiddle')),
      h(
        'button',
        { class: 'button', onclick: () => app.set({ plane: (app.state.plane % 999) + 1 }, 'replace') },
        icon('dice'),
        t('turnPlane'),
      ),
    ),
  );

  let position = { x: 0, y: 0 };
  let centre: Float32Array = new Float32Array();
  let axes: readonly [Float32Array, Float32Array] = [centre, centre];
  let drawn = '';
  let generation = 0;

  function pointAt(x: number, y: number): Point {
    if (x === 0 && y === 0) return app.state.centre;
    const classes = toMix(classWeights(app.state.centre, app.manifest));
    const z = toGrid(onPlane(centre, axes, x, y));
    return { kind: 'free', z, classes, truncation: app.state.truncation } satisfies FreePoint;
  }

  const follow = latest(async ({ x, y }: { x: number; y: number }) => {
    const point = pointAt(x, y);
    try {
      const [picture] = await app.make([inputsOf(point, app.manifest)], 'interactive');
      if (picture !== undefined && element.isConnected) app.preview(point, picture);
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  });

  function moveTo(x: number, y: number): void {
    position = { x: clamp(x), y: clamp(y) };
    cross.style.left = `${(position.x + 1) * 50}%`;
    cross.style.top = `${(position.y + 1) * 50}%`;
    follow(position);
  }

  function press(event: PointerEvent): void {
    pad.setPointerCapture(event.pointerId);
    drag(event);
  }

  function drag(event: PointerEvent): void {
    if (event.buttons === 0 && event.type === 'pointermove') return;
    const box = pad.getBoundingClientRect();
    moveTo(((event.clientX - box.left) / box.width) * 2 - 1, ((event.clientY - box.top) / box.height) * 2 - 1);
  }

  function key(event: KeyboardEvent): void {
    const move = arrowMove(event, 0.04, 0.2);
    if (event.key === 'Enter') choose();
    if (move === undefined) return;
    event.preventDefault();
    moveTo(position.x + move[0], position.y + move[1]);
  }

  function choose(): void {
    const { x, y } = position;
    app.open(pointAt(x, y), 'push');
  }

  function keyOf(): string {
    const { centre: point, plane, truncation } = app.state;
    const weights = toMix(classWeights(point, app.manifest));
    const latent = Array.from(rawLatent(point, app.manifest));
    return JSON.stringify([app.model.file.sha256, plane, truncation, weights, latent]);
  }

  /** The map fills from the middle outwards. */
  async function fillMap(): Promise<void> {
    const mine = ++generation;
    const { width, height } = app.manifest.image;
    const middle = (SIDE - 1) / 2;
    const cells = Array.from({ length: SIDE * SIDE }, (_, i) => ({ column: i % SIDE, row: Math.floor(i / SIDE) })).sort(
      (a, b) => Math.hypot(a.column - middle, a.row - middle) - Math.hypot(b.column - middle, b.row - middle),
    );
    try {
      while (cells.length > 0) {
        const batch = cells.splice(0, app.batchSize());
        const inputs = batch.map(({ column, row }) => inputsOf(pointAt(place(column), place(row)), app.manifest));
        const pictures = await app.make(inputs, 'background');
        if (mine !== generation) return;
        for (const [i, picture] of pictures.entries()) {
          const cell = batch[i];
          if (cell !== undefined) draw(map, picture, cell.column * width, cell.row * height);
        }
      }
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  }

  return {
    element,
    update(changed) {
      const { plane } = app.state;
      const wanted = keyOf();
      if (wanted === drawn && !changed.has('model')) return;
      drawn = wanted;
      centre = rawLatent(app.state.centre, app.manifest);
      axes = planeThrough(centre, plane);
      const { width, height } = app.manifest.image;
      const next = pictureCanvas(width * SIDE, height * SIDE);
      map.replaceWith(next);
      map = next;
      moveTo(0, 0);
      app.dropBackground();
      void fillMap();
    },
    refresh() {
      drawn = keyOf();
      app.dropBackground();
      void fillMap();
    },
    leave() {
      generation++;
      drawn = '';
      app.dropBackground();
    },
  };
}

/** Middle of a column or row of the map, in [-1, 1]. */
const place = (index: number) => ((index + 0.5) / SIDE) * 2 - 1;
const clamp = (x: number) => Math.max(-1, Math.min(1, x));
