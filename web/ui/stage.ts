// The large picture with its controls: seed, class, variety, and what can be done with it. Its frame also shows the
// first download and the first error, in the same place, so nothing jumps.

import { Dropped } from '../../client/engine/queue.ts';
import type { Picture } from '../../contract/picture.ts';
import { classLabel, inputsOf, type Point, soleClass, withClass } from '../pictures/point.ts';
import type { State } from '../state.ts';
import { t } from '../texts.ts';
import { draw, evenSize, h, latest, pictureCanvas, setText } from './dom.ts';
import { isSaved, toggleSaved } from './favourites.ts';
import { iconButton } from './icons.ts';
import { createSeedBox } from './seed.ts';
import { type App, randomSeed } from './view.ts';

/** What is in the frame: a point's picture, or one of which a seed drew a part. */
interface Shown {
  point: Point;
  picture: Picture;
  completedBy: string | undefined;
}

export interface Stage {
  readonly element: HTMLElement;
  /** The last picture drawn and what it is, for saving and sharing. */
  shown(): Shown | undefined;
  update(changed: ReadonlySet<keyof State>): void;
  preview(point: Point, picture: Picture, completedBy?: string): void;
  /** Puts something in the picture's place (progress, an error); undefined gives it back. */
  cover(content: HTMLElement | undefined): void;
  modelChanged(): void;
  /** Draws what is shown again: the model has newer weights. */
  refresh(): void;
}

export interface StageActions {
  save(): void;
  share(): void;
}

/** More than these are a list to choose from: nobody scrolls through hundreds of chips. */
export const MOST_CHIPS = 24;

/** Letters that fit a line beside a short seed on a phone. */
const LONG_NAME = 22;

/** `status`: the line under the caption that says what the page runs on. */
export function createStage(app: App, actions: StageActions, status: HTMLElement): Stage {
  let canvas = pictureCanvas(28, 28);
  let shown: Shown | undefined;

  const frame = h('div', { class: 'frame' }, canvas);
  const label = h('strong', { class: 'label', dir: 'auto' });
  const source = h('span', { class: 'source' });
  const caption = h('p', { class: 'caption', 'aria-live': 'polite' }, label, source);
  const heart = iconButton('saved', t('keep'), toggle);
  const save = iconButton('save', t('save'), actions.save);
  const share = iconButton('share', t('share'), actions.share);
  const side = h('div', { class: 'stage-actions' }, heart, save, share);
  showNothing();

  const seed = createSeedBox(
    {
      id: 'seed',
      class: 'seed',
      enterkeyhint: 'go',
      placeholder: t('seedPlaceholder'),
      'aria-describedby': 'seed-hint',
    },
    '1',
    (text) => app.open(seedPoint(text), 'replace'),
  );
  const dice = iconButton('dice', t('dice'), () => app.open(seedPoint(String(randomSeed())), 'push'));
  const seedRow = h(
    'div',
    { class: 'field' },
    h('label', { for: 'seed', class: 'phone-aside' }, t('seed')),
    h('div', { class: 'seed-row' }, seed.element, dice),
    h('p', { id: 'seed-hint', class: 'hint phone-aside' }, t('seedHint')),
  );
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': t('class') });
  const classList = h('select', {
    class: 'class-list',
    hidden: true,
    'aria-label': t('class'),
    onchange: () => pickClass(/^\d+$/.test(classList.value) ? Number(classList.value) : undefined),
  });
  const slider = h('input', { id: 'variety', type: 'range', min: '0.1', max: '1', step: '0.05', oninput: slid });
  const variety = h(
    'div',
    { class: 'slider-row' },
    h('label', { for: 'variety' }, t('variety')),
    slider,
    h('output', { for: 'variety', class: 'hint' }),
  );
  const controls = h('div', { class: 'controls' }, seedRow, variety, chips, classList, app.ground.picker);
  const element = h('section', { class: 'stage', 'aria-label': t('centre') }, frame, side, caption, status, controls);

  function seedPoint(text: string): Point {
    return { kind: 'seed', seed: text, class: app.state.class, truncation: app.state.truncation };
  }

  function slid(): void {
    const truncation = Number(slider.value);
    app.set({ truncation, centre: { ...app.state.centre, truncation } }, 'replace');
  }

  function pickClass(index: number | undefined): void {
    app.set({ class: index, centre: withClass(app.state.centre, index) }, 'push');
  }

  function toggle(): void {
    if (shown === undefined) return;
    if (!toggleSaved(app.state.model, keepable(shown))) app.notify(t('notKept'));
    markHeart();
    heart.classList.add('beat');
    setTimeout(() => heart.classList.remove('beat'), 400);
  }

  /** There is nothing to keep, save or share. */
  function showNothing(): void {
    shown = undefined;
    for (const button of [heart, save, share]) button.disabled = true;
    markHeart();
  }

  function markHeart(): void {
    const on = shown !== undefined && isSaved(app.state.model, keepable(shown));
    heart.setAttribute('aria-pressed', String(on));
    heart.setAttribute('aria-label', t(on ? 'kept' : 'keep'));
    heart.title = t(on ? 'kept' : 'keep');
  }

  function describe({ point, completedBy: seed }: Shown): void {
    setText(label, seed === undefined ? classLabel(point, app.manifest) : '');
    setText(source, seed === undefined ? sourceOf(point) : t('completedBy', { seed }));
    share.hidden = seed !== undefined; // what was rubbed out is in no link
    const alt =
      label.textContent === ''
        ? source.textContent
        : t('pictureOf', { label: label.textContent, source: source.textContent });
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', alt);
    markHeart();
  }

  function put(point: Point, picture: Picture, completedBy?: string): void {
    if (shown === undefined) performance.mark('pocketgen:first-picture');
    shown = { point, picture, completedBy };
    for (const button of [heart, save, share]) button.disabled = false;
    draw(canvas, picture);
    frame.classList.add('made');
    describe(shown);
  }

  const render = latest(async (point: Point) => {
    try {
      const [picture] = await app.make([inputsOf(point, app.manifest)], 'interactive');
      if (picture === undefined) return;
      caption.ariaLive = 'polite';
      put(point, picture);
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  });

  function chip(text: string, index: number | undefined): HTMLButtonElement {
    return h(
      'button',
      { class: 'chip', dir: 'auto', 'data-class': index ?? 'any', onclick: () => pickClass(index) },
      text,
    );
  }

  function listClasses(classes: readonly string[]): void {
    const many = classes.length > MOST_CHIPS;
    // With one class there is nothing to choose.
    chips.hidden = many || classes.length < 2;
    classList.hidden = !many;
    chips.replaceChildren(...(chips.hidden ? [] : [chip(t('anyClass'), undefined), ...classes.map(chip)]));
    classList.replaceChildren(
      ...(many
        ? [
            h('option', { value: 'any' }, t('anyClass')),
            h('option', { value: 'mixed', hidden: true }, t('mixedClass')),
            ...classes.map((name, i) => h('option', { value: i }, name)),
          ]
        : []),
    );
  }

  function markChips(): void {
    const { centre } = app.state;
    const sole = centre.kind === 'seed' ? centre.class : soleClass(centre, app.manifest);
    const current = String(sole ?? (centre.kind === 'seed' ? 'any' : 'mixed'));
    classList.value = current;
    for (const button of chips.querySelectorAll('button')) {
      const on = button.dataset.class === current;
      if (on && button.getAttribute('aria-pressed') !== 'true') scrollTo(button);
      button.setAttribute('aria-pressed', String(on));
    }
  }

  /** Sideways only: scrollIntoView would move the page. */
  function scrollTo(button: HTMLElement): void {
    chips.scrollLeft = button.offsetLeft - chips.offsetLeft - (chips.clientWidth - button.offsetWidth) / 2;
  }

  return {
    element,
    shown: () => shown,
    preview(point, picture, completedBy) {
      caption.ariaLive = 'off'; // dragging and walking would have it read out without end
      put(point, picture, completedBy);
    },
    update(changed) {
      const { centre, truncation } = app.state;
      slider.value = String(truncation);
      const percent = `${Math.round(truncation * 100)} %`;
      slider.setAttribute('aria-valuetext', percent);
      const output = variety.querySelector('output');
      if (output !== null) output.textContent = percent;
      seed.show(centre.kind === 'seed' ? centre.seed : '');
      markChips();
      if (shown !== undefined) markHeart(); // a favourite may have been removed elsewhere
      if (
        changed.has('centre') ||
        changed.has('view') ||
        changed.has('model') ||
        changed.has('truncation') ||
        changed.has('class')
      )
        render(centre);
    },
    cover(content) {
      const cover = frame.querySelector('.cover');
      if (cover !== null && content?.parentElement === cover) return;
      cover?.remove();
      if (content !== undefined) frame.append(h('div', { class: 'cover' }, content));
    },
    modelChanged() {
      const { image, classes } = app.manifest;
      const next = pictureCanvas(image.width, image.height);
      canvas.replaceWith(next);
      canvas = next;
      frame.classList.remove('made');
      showNothing();
      // On a phone, on a phone where the picture stays in sight, and from 960 px.
      for (const [name, target] of [
        ['phone', 224],
        ['compact', 168],
        ['desk', 336],
      ] as const)
        element.style.setProperty(`--${name}-width`, `${evenSize(image.width, target)}px`);
      frame.style.setProperty('--shape', `${image.width} / ${image.height}`);
      caption.style.setProperty('--name-lines', classes.some((name) => name.length > LONG_NAME) ? '2' : '1');
      listClasses(classes);
    },
    refresh() {
      if (shown !== undefined) render(shown.point);
    },
  };
}

const sourceOf = (point: Point) => (point.kind === 'seed' ? t('seedIs', { seed: point.seed }) : t('freePoint'));

/** A completion is kept as the picture that it is. */
const keepable = ({ point, picture, completedBy }: Shown) => (completedBy === undefined ? point : picture);
