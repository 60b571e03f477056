// Mixing: two parents, and children who take each number and the class from one parent or the other.
import { Dropped } from '../../client/engine/queue.ts';
import { childOf, classLabel, type FreePoint, inputsOf } from '../pictures/point.ts';
import { t } from '../texts.ts';
import { draw, h, pictureCanvas, setTiles } from './dom.ts';
import { icon } from './icons.ts';
import { createOtherPicker, createThumb, otherOf } from './other.ts';
import { type App, randomSeed, type View } from './view.ts';

const CHILDREN = 15;

export function createMix(app: App): View {
  const one = createThumb(app, 'parentA', () => app.state.centre);
  const two = createOtherPicker(app, 'parentB');
  const grid = h('ul', { class: 'sheet wall', 'aria-label': t('children') });
  const element = h(
    'div',
    { class: 'view' },
    h('div', { class: 'ends' }, one.element, h('span', { class: 'times', 'aria-hidden': 'true' }, '×'), two.element),
    h('p', { class: 'hint' }, t('mixHelp')),
    grid,
    h(
      'div',
      { class: 'bar' },
      h(
        'button',
        {
          class: 'button',
          onclick: () => {
            litter = randomSeed();
            lay();
            void fill();
          },
        },
        icon('dice'),
        t('moreChildren'),
      ),
    ),
  );

  let litter = 1;
  let drawn = '';
  let generation = 0;
  let tiles: { child: FreePoint; canvas: HTMLCanvasElement; button: HTMLElement }[] = [];

  function keyOf(): string {
    const parents = [app.state.centre, otherOf(app)].map((p) => (p.kind === 'free' ? { ...p, z: Array.from(p.z) } : p));
    return JSON.stringify([app.model.file.sha256, parents]);
  }

  function lay(): void {
    const { width, height } = app.manifest.image;
    setTiles(grid, app.manifest.image, matchMedia('(min-width: 960px)').matches ? 112 : 84);
    tiles = Array.from({ length: CHILDREN }, (_, i) => {
      const child = childOf(app.state.centre, otherOf(app), litter * CHILDREN + i, app.manifest);
      const canvas = pictureCanvas(width, height);
      const label = `${t('children')} ${i + 1}: ${classLabel(child, app.manifest)}`;
      const button = h(
        'button',
        { class: 'tile', 'aria-label': label, onclick: () => app.open(child, 'push') },
        canvas,
      );
      return { child, canvas, button };
    });
    grid.replaceChildren(...tiles.map(({ button }) => h('li', {}, button)));
  }

  async function fill(): Promise<void> {
    const mine = ++generation;
    app.dropBackground();
    try {
      const pictures = await app.make(
        tiles.map(({ child }) => inputsOf(child, app.manifest)),
        'background',
      );
      if (mine !== generation) return;
      for (const [i, picture] of pictures.entries()) {
        const made = tiles[i];
        if (made === undefined) continue;
        draw(made.canvas, picture);
        made.button.classList.add('made');
      }
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  }

  return {
    element,
    update(changed) {
      one.update(changed);
      two.update(changed);
      const wanted = keyOf();
      if (wanted === drawn && !changed.has('model')) return;
      drawn = wanted;
      lay();
      void fill();
    },
    refresh() {
      drawn = keyOf();
      one.refresh();
      two.refresh();
      void fill();
    },
    leave() {
      generation++;
      drawn = '';
      app.dropBackground();
    },
  };
}
