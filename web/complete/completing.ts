// "Rub out": a part of a picture is rubbed out, and the model's completer draws it anew in eight ways at once, by seeds 1 to 8, then the
// next eight. What is picked is the large picture, to keep, to save and to go on from.
import '../draw/draw.css';
import './complete.css';
import { Dropped } from '../../client/engine/queue.ts';
import { fitOf } from '../../contract/intake.ts';
import { latentOf, oneHot, truncate } from '../../contract/latent.ts';
import { completerFile } from '../../contract/lookup.ts';
import type { Picture } from '../../contract/picture.ts';
import { createPad } from '../draw/pad.ts';
import { NOTHING, type Work } from '../draw/work.ts';
import { inputsOf } from '../pictures/point.ts';
import { viewsOf } from '../state.ts';
import { clear, draw, h, latest, pictureCanvas, setText, setTiles } from '../ui/dom.ts';
import { icon } from '../ui/icons.ts';
import { plainWords } from '../ui/panels.ts';
import type { App, View } from '../ui/view.ts';
import { hiddenBy, rubbed } from './mask.ts';
import { words } from './texts.ts';
import { createRubTools } from './tools.ts';

export interface CompleteView extends View {
  /** A picture of the model's size and channels to rub out of. */
  take(picture: Picture): void;
}

const COUNT = 8;

interface Base {
  readonly picture: Picture;
  /** Not the model's own at the place that the address names. */
  readonly own: boolean;
}

export function createCompleting(app: App): CompleteView {
  const pad = createPad(changed, (down) => say(words(down ? 'eraserDown' : 'eraserUp')));
  pad.element.setAttribute('aria-label', words('pad'));
  const tools = createRubTools(
    {
      brush: (brush) => {
        pad.brush = brush;
      },
      mark: (mark) => pad.change({ photo: undefined, marks: [mark] }),
      undo,
      clear: () => pad.change(NOTHING),
    },
    () => app.manifest.image.height / app.manifest.image.width,
  );
  const told = h('select', { id: 'complete-what', onchange: () => changed(true) });
  const what = h('div', { class: 'slider-row' }, h('label', { for: told.id }, words('what')), told);
  const status = h('p', { class: 'hint', role: 'status' });
  const button = (word: 'again' | 'back' | 'own' | 'goOn', run: () => void) =>
    h('button', { class: 'button', onclick: run }, words(word));
  const retry = button('again', () => (ready ? changed(true) : void start()));
  const back = button('back', () => void showCentre());
  const own = button('own', () => app.set({ view: 'draw' }, 'push'));
  const goOn = button('goOn', () => {
    const picked = seen.pictures[pick ?? -1];
    if (picked !== undefined) take(picked);
  });
  const more = h(
    'button',
    { class: 'button', onclick: () => from(first + COUNT) },
    icon('dice'),
    words('more', { n: COUNT }),
  );
  const tiles = Array.from({ length: COUNT }, (_, i) => ({
    canvas: pictureCanvas(1, 1),
    button: h('button', { class: 'tile', onclick: () => picking(i) }),
  }));
  const grid = h(
    'ul',
    { class: 'sheet wall completions', 'aria-label': words('completions') },
    ...tiles.map((tile) => h('li', {}, tile.button)),
  );
  const element = h(
    'div',
    {
      class: 'view drawing rubbing',
      onkeydown: (event) => shortcut(event as KeyboardEvent),
    },
    h('div', { class: 'bar say' }, status, retry),
    h('div', { class: 'rub-desk' }, pad.element, tools.beside, grid),
    h('div', { class: 'bar' }, more, goOn),
    what,
    tools.below,
    h('div', { class: 'bar' }, back, own),
    h('p', { class: 'hint' }, words('help')),
  );

  /** Which model everything is set up for. */
  let model = '';
  let ready = false;
  let trouble: string | undefined;
  let base: Base | undefined;
  /** What was gone on from. */
  let before: { base: Base; work: Work }[] = [];
  let under = pictureCanvas(1, 1);
  /** Seed of the first of the eight that are wanted. */
  let first = 1;
  /** The eight that are seen, and the seed of the first of them. */
  let seen: { readonly first: number; readonly pictures: readonly Picture[] } = { first, pictures: [] };
  let pick: number | undefined;
  /** Of asking for the picture that the address names. */
  let turn = 0;

  const isCurrent = (file: App['model']['file']) => element.isConnected && app.model.file === file;

  function say(text: string): void {
    setText(status, text);
  }

  function changed(settled: boolean): void {
    trouble = undefined;
    first = 1;
    follow(settled);
  }

  function from(seed: number): void {
    first = seed;
    follow(true);
  }

  const follow = latest(async (settled: boolean) => {
    const { manifest, file } = app.model;
    if (base === undefined) return;
    const hidden = hiddenBy(pad.picture());
    draw(under, rubbed(base.picture, hidden));
    const nothing = !hidden.includes(1);
    if (nothing) show(first, []);
    if (nothing || !ready || !settled) return tell(nothing);
    const { picture } = base;
    const from = first;
    const seeds = Array.from({ length: COUNT }, (_, i) => from + i);
    const { latent, classes } = manifest;
    const classWeights =
      told.value === '' ? new Float32Array(classes.length) : oneHot(Number(told.value), classes.length);
    try {
      const made = await app.complete(
        seeds.map((seed) => {
          const z = truncate(latentOf(seed, latent.size), app.state.truncation);
          return { picture, hidden, latent: z, classWeights };
        }),
      );
      if (isCurrent(file)) show(from, made);
    } catch (error) {
      complain(error, file);
    }
    if (isCurrent(file)) tell(false);
  });

  function show(first: number, made: readonly Picture[]): void {
    seen = { first, pictures: made };
    pick = undefined;
    for (const [i, { canvas, button: tile }] of tiles.entries()) {
      const picture = made[i];
      tile.classList.toggle('made', picture !== undefined);
      tile.disabled = picture === undefined;
      tile.setAttribute('aria-label', words('one', { seed: first + i }));
      if (picture === undefined) clear(canvas);
      else draw(canvas, picture);
    }
    mark();
  }

  function picking(index: number): void {
    const picture = seen.pictures[index];
    if (picture === undefined) return;
    pick = index;
    app.preview(app.state.centre, picture, String(seen.first + index));
    mark();
  }

  function mark(): void {
    for (const [i, tile] of tiles.entries()) tile.button.setAttribute('aria-pressed', String(i === pick));
    goOn.disabled = pick === undefined;
    more.disabled = seen.pictures.length === 0;
  }

  function tell(nothing: boolean): void {
    const { manifest, variant } = app.model;
    retry.hidden = trouble === undefined;
    back.hidden = base?.own !== true;
    tools.update({ canUndo: pad.canUndo || before.length > 0, canClear: pad.work.marks.length > 0 });
    const mb = (completerFile(manifest, variant).bytes / 1e6).toFixed(1);
    if (trouble !== undefined) say(trouble);
    else if (!ready) say(words('getting', { mb }));
    else say(words(nothing ? 'begin' : 'choose'));
  }

  function complain(error: unknown, file: App['model']['file']): void {
    if (error instanceof Dropped || !isCurrent(file)) return;
    trouble = plainWords(error);
    tell(false);
  }

  /** Downloads and starts the completer before it is needed. */
  async function start(): Promise<void> {
    const { file } = app.model;
    ready = false;
    trouble = undefined;
    try {
      await app.complete([]);
      if (!isCurrent(file)) return;
      ready = true;
      changed(true);
    } catch (error) {
      complain(error, file);
    }
  }

  /** The picture that the address names is what is rubbed out of; marks stay. */
  async function showCentre(): Promise<void> {
    const mine = ++turn;
    const { manifest, file } = app.model;
    try {
      const [picture] = await app.make([inputsOf(app.state.centre, manifest)], 'interactive');
      if (mine !== turn || picture === undefined || !isCurrent(file)) return;
      base = { picture, own: false };
      changed(true);
    } catch (error) {
      complain(error, file);
    }
  }

  function take(picture: Picture): void {
    turn++;
    if (base !== undefined) before.push({ base, work: pad.work });
    base = { picture, own: true };
    clean();
    changed(true);
  }

  /** A pad without a past. */
  function clean(): void {
    const { image } = app.manifest;
    pad.reset({ ...image, channels: 4 }, fitOf(app.manifest), undefined);
  }

  function undo(): void {
    const last = pad.canUndo ? undefined : before.pop();
    if (last === undefined) return void pad.undo();
    base = last.base;
    clean();
    pad.change(last.work);
  }

  function shortcut(event: KeyboardEvent): void {
    if (event.key !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    event.preventDefault();
    undo();
  }

  /** For the model that is shown, once. */
  function setUp(): void {
    const { manifest, file } = app.model;
    const { image, classes } = manifest;
    const key = JSON.stringify([file.url, image, classes]);
    if (model === key) return;
    model = key;
    ready = false;
    base = undefined;
    before = [];
    under.remove();
    under = pictureCanvas(image.width, image.height);
    under.classList.add('under');
    pad.element.prepend(under);
    setTiles(grid, image, innerWidth >= 960 ? 76 : innerWidth >= 360 ? 64 : 56);
    for (const tile of tiles) {
      tile.canvas = pictureCanvas(image.width, image.height);
      tile.button.replaceChildren(tile.canvas);
    }
    what.hidden = classes.length < 2;
    told.replaceChildren(
      h('option', { value: '' }, words('untold')),
      ...classes.map((name, i) => h('option', { value: i }, name)),
    );
    own.hidden = !viewsOf(manifest).includes('draw');
    clean();
    show(first, []);
  }

  return {
    element,
    update(changes) {
      setUp();
      if (changes.has('model') || changes.has('view')) {
        if (!ready) void start();
        if (base?.own) changed(true);
        else void showCentre();
        return tell(true);
      }
      // A slider moves what is shown and what is drawn alike; an own picture stays where only that moves.
      if (changes.has('centre') && !(base?.own && changes.has('truncation'))) return void showCentre();
      if (changes.has('truncation')) changed(true);
    },
    refresh() {
      void start(); // the newer model has a completer of its own
      if (!base?.own) void showCentre();
    },
    take,
  };
}
