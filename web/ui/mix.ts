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
  let children: FreePoint[] = [];
  // The same ones for every litter: whoever chose one by the keyboard is still on it.
  const tiles = Array.from({ length: CHILDREN }, (_, i) => {
    const canvas = pictureCanvas(1, 1);
    const choose = () => {
      const child = children[i];
      if (child !== undefined) app.open(child, 'push');
    };
    return { canvas, button: h('button', { class: 'tile', onclick: choose }, canvas) };
  });
  grid.append(...tiles.map(({ button }) => h('li', {}, button)));

  function keyOf(): string {
    const parents = [app.state.centre, otherOf(app)].map((p) => (p.kind === 'free' ? { ...p, z: Array.from(p.z) } : p));
    return JSON.stringify([app.model.file.sha256, parents]);
  }

  function lay(): void {
    const { width, height } = app.manifest.image;
    setTiles(grid, app.manifest.image, matchMedia('(min-width: 960px)').matches ? 112 : 84);
    children = [];
    for (const [i, { canvas, button }] of tiles.entries()) {
      const child = childOf(app.state.centre, otherOf(app), litter * CHILDREN + i, app.manifest);
      children.push(child);
      Object.assign(canvas, { width, height }); // clears it
      button.classList.remove('made');
      button.setAttribute('aria-label', `${t('children')} ${i + 1}: ${classLabel(child, app.manifest)}`);
    }
  }

  async function fill(): Promise<void> {
    const mine = ++generation;
    app.dropBackground();
    try {
      const pictures = await app.make(
        children.map((child) => inputsOf(child, app.manifest)),
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
