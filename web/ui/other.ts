// The other picture: the far end of a walk, the second parent of a mix. A small picture with its own seed and class.

import { Dropped } from '../../client/engine/queue.ts';
import { inputsOf, type Point, soleClass, withClass } from '../pictures/point.ts';
import type { State } from '../state.ts';
import { type TextKey, t } from '../texts.ts';
import { draw, h, latest, pictureCanvas } from './dom.ts';
import { iconButton } from './icons.ts';
import { createSeedBox } from './seed.ts';
import { type App, randomSeed } from './view.ts';

export interface PointPicker {
  readonly element: HTMLElement;
  update(changed: ReadonlySet<keyof State>): void;
  /** Draws it again: the model has newer weights. */
  refresh(): void;
}

/** What the other one is before anybody chose: the next seed of another class. */
export function otherOf(app: App): Point {
  if (app.state.other !== undefined) return app.state.other;
  const { centre, truncation } = app.state;
  const count = app.manifest.classes.length;
  const sole = soleClass(centre, app.manifest);
  const index = count === 0 || sole === undefined ? undefined : (sole + 1) % count;
  return { kind: 'seed', seed: '2', class: index, truncation };
}

/** A small live picture of a point. */
export function createThumb(app: App, label: TextKey, point: () => Point): PointPicker {
  let canvas = pictureCanvas(1, 1);
  const holder = h('div', { class: 'thumb' }, canvas);
  const element = h('div', { class: 'picker' }, holder, h('span', { class: 'hint' }, t(label)));
  let drawn = '';
  const render = latest(async (wanted: Point) => {
    try {
      const [picture] = await app.make([inputsOf(wanted, app.manifest)], 'interactive');
      if (picture === undefined) return;
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        const next = pictureCanvas(picture.width, picture.height);
        canvas.replaceWith(next);
        canvas = next;
      }
      draw(canvas, picture);
    } catch (error) {
      drawn = '';
      if (!(error instanceof Dropped)) app.fail(error);
    }
  });
  return {
    element,
    update(changed) {
      const wanted = point();
      const { sha256 } = app.model.file;
      const text = JSON.stringify([sha256, wanted, wanted.kind === 'free' ? Array.from(wanted.z) : 0]);
      if (text === drawn && !changed.has('model')) return;
      drawn = text;
      render(wanted);
    },
    refresh: () => render(point()),
  };
}

/** The other picture with a box for its seed, a class list and a die. */
export function createOtherPicker(app: App, label: TextKey): PointPicker {
  const thumb = createThumb(app, label, () => otherOf(app));
  const seed = createSeedBox({ class: 'seed small', 'aria-label': `${t(label)}: ${t('seed')}` }, '2', setSeed);
  const classes = h('select', { 'aria-label': `${t(label)}: ${t('class')}`, onchange: pick });
  const dice = iconButton('dice', t('dice'), () => setSeed(String(randomSeed())));
  const element = h(
    'div',
    { class: 'other' },
    thumb.element,
    h('div', { class: 'other-fields' }, h('div', { class: 'seed-row' }, seed.element, dice), classes),
  );

  function setSeed(text: string): void {
    const current = otherOf(app);
    const index = current.kind === 'seed' ? current.class : soleClass(current, app.manifest);
    app.set({ other: { kind: 'seed', seed: text, class: index, truncation: app.state.truncation } }, 'replace');
  }

  function pick(): void {
    const index = classes.value === '' ? undefined : Number(classes.value);
    app.set({ other: withClass(otherOf(app), index) }, 'replace');
  }

  return {
    element,
    update(changed) {
      const other = otherOf(app);
      const labels = app.manifest.classes;
      // By content: an own model may be replaced under its name by one of other classes.
      const listed = JSON.stringify(labels);
      if (classes.dataset.labels !== listed) {
        classes.dataset.labels = listed;
        classes.replaceChildren(
          h('option', { value: '' }, t('anyClass')),
          ...labels.map((name, i) => h('option', { value: i }, name)),
        );
      }
      classes.hidden = labels.length < 2;
      const index = other.kind === 'seed' ? other.class : soleClass(other, app.manifest);
      classes.value = index === undefined ? '' : String(index);
      seed.show(other.kind === 'seed' ? other.seed : '');
      thumb.update(changed);
    },
    refresh: thumb.refresh,
  };
}
