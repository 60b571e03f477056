// The wall: pictures from one seed upwards that fill in as they are made. Tap one to make it the large picture.

import { Dropped } from '../../client/engine/queue.ts';
import type { Picture } from '../../contract/picture.ts';
import { classLabel, inputsOf, type SeedPoint } from '../pictures/point.ts';
import { wallZip } from '../pictures/save.ts';
import { t } from '../texts.ts';
import { clear, draw, h, pictureCanvas, setTiles } from './dom.ts';
import { saveBlob } from './files.ts';
import { icon } from './icons.ts';
import { type App, randomSeed, type View } from './view.ts';

const PAGE = 60;

export function createWall(app: App): View {
  const grid = h('ul', { class: 'sheet wall', 'aria-label': t('wall') });
  const caption = h('p', { class: 'hint', role: 'status' });
  const more = h('button', { class: 'button', onclick: () => grow(count + PAGE) }, t('more', { n: PAGE }));
  const zip = h('button', { class: 'button', onclick: () => void saveAll() }, icon('save'), t('saveWall'));
  const fresh = h(
    'button',
    { class: 'button', onclick: () => app.set({ wall: randomSeed() % 4_294_000_000 }, 'push') },
    icon('dice'),
    t('newWall'),
  );
  const element = h(
    'div',
    { class: 'view' },
    h('div', { class: 'bar' }, caption, fresh),
    grid,
    h('div', { class: 'bar' }, more, zip, app.ground.fillBox()),
  );

  const cells: { button: HTMLButtonElement; canvas: HTMLCanvasElement; item: HTMLLIElement }[] = [];
  /** Those made so far, from the first on. */
  let pictures: Picture[] = [];
  let count = 0;
  let generation = 0;
  let drawn = '';

  const seedAt = (index: number) => String((app.state.wall + index) % 4_294_967_296);
  const pointAt = (index: number): SeedPoint => ({
    kind: 'seed',
    seed: seedAt(index),
    class: app.state.class,
    truncation: app.state.truncation,
  });

  function keyOf(): string {
    const { wall, class: picked, truncation } = app.state;
    return JSON.stringify([app.model.file.sha256, wall, picked ?? null, truncation]);
  }

  function cell(index: number) {
    const existing = cells[index];
    if (existing !== undefined) return existing;
    const { width, height } = app.manifest.image;
    const canvas = pictureCanvas(width, height);
    const button = h('button', { class: 'tile', onclick: () => app.open(pointAt(index), 'push') }, canvas);
    const made = { button, canvas, item: h('li', {}, button) };
    cells.push(made);
    return made;
  }

  /** The wall gets `next` pictures; those it has stay. */
  function grow(next: number): void {
    const from = count;
    count = next;
    const fragment = document.createDocumentFragment();
    for (let i = from; i < next; i++) {
      const { button, item } = cell(i);
      button.setAttribute('aria-label', t('seedIs', { seed: seedAt(i) }));
      fragment.append(item);
    }
    grid.append(fragment);
    void fill();
  }

  async function fill(): Promise<void> {
    const mine = ++generation;
    caption.textContent = t('making');
    try {
      while (pictures.length < count) {
        const size = Math.min(app.batchSize(), count - pictures.length);
        const inputs = Array.from({ length: size }, (_, i) => inputsOf(pointAt(pictures.length + i), app.manifest));
        const batch = await app.make(inputs, 'background');
        if (mine !== generation) return;
        for (const picture of batch) show(picture);
      }
    } catch (error) {
      if (!(error instanceof Dropped) && mine === generation) app.fail(error);
      return;
    }
    caption.textContent = t('wallOf', { from: seedAt(0), to: seedAt(count - 1) });
  }

  function show(picture: Picture): void {
    const index = pictures.push(picture) - 1;
    const { canvas, button } = cell(index);
    draw(canvas, picture);
    button.classList.add('made');
    const label = classLabel(pointAt(index), app.manifest);
    const source = t('seedIs', { seed: seedAt(index) });
    button.setAttribute('aria-label', label === '' ? source : t('pictureOf', { label, source }));
  }

  function rebuild(): void {
    generation++;
    app.dropBackground();
    const { width, height } = app.manifest.image;
    setTiles(grid, app.manifest.image, matchMedia('(min-width: 960px)').matches ? 84 : 56);
    const keep = Math.max(count, PAGE);
    pictures = [];
    for (const { button, canvas } of cells) {
      button.classList.remove('made');
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      else clear(canvas);
    }
    grid.replaceChildren();
    count = 0;
    grow(keep);
  }

  async function saveAll(): Promise<void> {
    const items = pictures.map((picture, i) => ({ picture: app.ground.forSaving(picture), point: pointAt(i) }));
    const name = `${app.manifest.name}-wall-${app.state.wall}.zip`;
    await saveBlob(await wallZip(items, app.manifest), name, app.notify);
  }

  function markCentre(): void {
    const { centre } = app.state;
    for (const [index, { button }] of cells.entries())
      button.setAttribute('aria-pressed', String(centre.kind === 'seed' && centre.seed === seedAt(index)));
  }

  return {
    element,
    update(changed) {
      const wanted = keyOf();
      if (wanted !== drawn || changed.has('model')) {
        drawn = wanted;
        rebuild();
      }
      markCentre();
    },
    refresh() {
      drawn = keyOf();
      app.dropBackground();
      pictures = [];
      void fill();
    },
    leave() {
      // What was not made yet is made when the wall is shown again.
      if (pictures.length < count) drawn = '';
      generation++;
      app.dropBackground();
    },
  };
}
