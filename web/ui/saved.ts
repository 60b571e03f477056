// The favourites of this device, drawn again from what they are made of.
import { Dropped } from '../../client/engine/queue.ts';
import { classLabel, inputsOf } from '../pictures/point.ts';
import { t } from '../texts.ts';
import { draw, h, pictureCanvas, setTiles } from './dom.ts';
import { type Favourite, listSaved, toggleSaved } from './favourites.ts';
import { icon } from './icons.ts';
import type { App, View } from './view.ts';

export function createSaved(app: App): View {
  const grid = h('ul', { class: 'sheet wall saved', 'aria-label': t('saved') });
  const empty = h('p', { class: 'hint' }, t('savedEmpty'));
  const element = h('div', { class: 'view' }, empty, grid);
  let generation = 0;
  let tiles: { favourite: Favourite; canvas: HTMLCanvasElement }[] = [];

  function tileOf(favourite: Favourite, canvas: HTMLCanvasElement): HTMLElement {
    const { point, model } = favourite;
    const source = point.kind === 'seed' ? t('seedIs', { seed: point.seed }) : t('freePoint');
    const name = classLabel(point, app.manifest);
    const label = name === '' ? source : t('pictureOf', { label: name, source });
    const remove = () => {
      toggleSaved(model, point);
      lay();
      void fill();
      app.set({}, 'replace');
    };
    return h(
      'li',
      {},
      h(
        'button',
        { class: 'tile made', 'aria-label': t('openSaved', { label }), onclick: () => app.open(point, 'push') },
        canvas,
      ),
      h(
        'button',
        { class: 'remove', 'aria-label': `${t('removeSaved')}: ${label}`, title: t('removeSaved'), onclick: remove },
        icon('close'),
      ),
    );
  }

  function lay(): void {
    const { width, height } = app.manifest.image;
    setTiles(grid, app.manifest.image, 84);
    // A favourite of another version of the model may have another latent size.
    const list = listSaved().filter(
      ({ model, point }) =>
        model === app.state.model && (point.kind === 'seed' || point.z.length === app.manifest.latent.size),
    );
    empty.hidden = list.length > 0;
    grid.hidden = list.length === 0;
    tiles = list.map((favourite) => ({ favourite, canvas: pictureCanvas(width, height) }));
    grid.replaceChildren(...tiles.map(({ favourite, canvas }) => tileOf(favourite, canvas)));
  }

  async function fill(): Promise<void> {
    const mine = ++generation;
    try {
      const left = [...tiles];
      while (left.length > 0) {
        const batch = left.splice(0, app.batchSize());
        const pictures = await app.make(
          batch.map(({ favourite }) => inputsOf(favourite.point, app.manifest)),
          'background',
        );
        if (mine !== generation) return;
        for (const [i, picture] of pictures.entries()) {
          const canvas = batch[i]?.canvas;
          if (canvas !== undefined) draw(canvas, picture);
        }
      }
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  }

  return {
    element,
    update(changed) {
      if (!changed.has('view') && !changed.has('model')) return;
      lay();
      void fill();
    },
    refresh() {
      app.dropBackground();
      void fill();
    },
    leave() {
      generation++;
      app.dropBackground();
    },
  };
}
