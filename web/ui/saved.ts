// The favourites of this device, drawn again from what they are made of.
import { Dropped } from '../../client/engine/queue.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { classLabel, inputsOf, type Point } from '../pictures/point.ts';
import { t } from '../texts.ts';
import { draw, h, pictureCanvas, setTiles } from './dom.ts';
import { type Favourite, listSaved, toggleSaved } from './favourites.ts';
import { icon } from './icons.ts';
import type { App, View } from './view.ts';

export function createSaved(app: App): View {
  const grid = h('ul', { class: 'sheet wall saved', 'aria-label': t('saved') });
  const empty = h('p', { class: 'hint', tabindex: -1 }, t('savedEmpty'));
  const element = h('div', { class: 'view' }, empty, grid);
  let generation = 0;
  let tiles: { favourite: Favourite; canvas: HTMLCanvasElement }[] = [];

  function labelOf(point: Point): string {
    const source = point.kind === 'seed' ? t('seedIs', { seed: point.seed }) : t('freePoint');
    const name = classLabel(point, app.manifest);
    return name === '' ? source : t('pictureOf', { label: name, source });
  }

  function tileOf(favourite: Favourite, canvas: HTMLCanvasElement): HTMLElement {
    const { item, model } = favourite;
    const label = 'data' in item ? t('completed') : labelOf(item);
    const open = () => ('data' in item ? app.rubOut(item) : app.open(item, 'push'));
    const remove = () => {
      const at = tiles.findIndex(({ canvas: one }) => one === canvas);
      toggleSaved(model, item);
      lay();
      void fill();
      app.set({}, 'replace');
      // The keyboard goes on with the next one.
      const left = grid.querySelectorAll<HTMLElement>('.remove');
      (left[Math.min(at, left.length - 1)] ?? empty).focus();
    };
    return h(
      'li',
      {},
      h('button', { class: 'tile made', 'aria-label': t('openSaved', { label }), onclick: open }, canvas),
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
    const list = listSaved().filter(({ model, item }) => model === app.state.model && isOf(item, app.manifest));
    empty.hidden = list.length > 0;
    grid.hidden = list.length === 0;
    tiles = list.map((favourite) => ({ favourite, canvas: pictureCanvas(width, height) }));
    grid.replaceChildren(...tiles.map(({ favourite, canvas }) => tileOf(favourite, canvas)));
  }

  async function fill(): Promise<void> {
    const mine = ++generation;
    for (const { favourite, canvas } of tiles) if ('data' in favourite.item) draw(canvas, favourite.item);
    try {
      const left = tiles.flatMap(({ favourite: { item }, canvas }) =>
        'data' in item ? [] : [{ point: item, canvas }],
      );
      while (left.length > 0) {
        const batch = left.splice(0, app.batchSize());
        const pictures = await app.make(
          batch.map(({ point }) => inputsOf(point, app.manifest)),
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

/** One of another version of the model may have another latent size or more classes; a completion may be of one that completed and does no more. */
function isOf(item: Point | Picture, { image, latent, classes, completer }: Manifest): boolean {
  if ('data' in item)
    return completer !== undefined && item.data.length === image.width * image.height * image.channels;
  if (item.kind === 'seed') return item.class === undefined || item.class < classes.length;
  return item.z.length === latent.size && item.classes.every(([index]) => index < classes.length);
}
