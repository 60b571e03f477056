// "Put my picture in": a drawing or a photo on the pad, and what the model makes of it in the large picture, live. What it
// makes is a point like any other: it is in the link, and goes on to the explorer, a walk or a mix.
import './draw.css';
import { Dropped } from '../../client/engine/queue.ts';
import type { Colour } from '../../contract/background.ts';
import { toGrid, toMix } from '../../contract/compact.ts';
import { fitOf } from '../../contract/intake.ts';
import { oneHot } from '../../contract/latent.ts';
import { encoderFile } from '../../contract/lookup.ts';
import type { Picture } from '../../contract/picture.ts';
import { contrast, measureGround, pinnedPictures } from '../pictures/ground.ts';
import { type FreePoint, inputsOf } from '../pictures/point.ts';
import { draw, h, latest, pictureCanvas, setText } from '../ui/dom.ts';
import type { DrawView } from '../ui/draw.ts';
import { fileInput } from '../ui/files.ts';
import { icon } from '../ui/icons.ts';
import { plainWords } from '../ui/panels.ts';
import type { App } from '../ui/view.ts';
import { createClassPicker } from './classes.ts';
import { createPad } from './pad.ts';
import { cropped, type Placed, placed, readPhoto, withZoom, zoomOf } from './photo.ts';
import { words } from './texts.ts';
import { createBrushTools, createPhotoTools, iconTool } from './tools.ts';
import { isNothing, NOTHING } from './work.ts';

export function createDrawing(app: App): DrawView {
  const pad = createPad(changed, (down) => say(words(down ? 'penDown' : 'penUp')));
  const classes = createClassPicker(() => changed(true));
  const brushes = createBrushTools((brush) => {
    pad.brush = brush;
  });
  const photos = createPhotoTools({
    zoom: (share) => replacePhoto((photo) => withZoom(photo, shape(), share)),
    invert: (inverted) => replacePhoto((photo) => ({ ...photo, inverted })),
    moving(on) {
      pad.moving = on;
      showTools();
    },
    remove() {
      pad.moving = false;
      pad.change({ ...pad.work, photo: undefined });
    },
  });
  let seen = pictureCanvas(1, 1);
  const seenBox = h(
    'figure',
    { class: 'seen' },
    h('div', { class: 'thumb' }, seen),
    h('figcaption', { class: 'hint' }, words('seen')),
  );
  const undo = iconTool('undo', 'undo', pad.undo);
  const clear = iconTool('clear', 'clear', () => {
    pad.moving = false;
    pad.change(NOTHING);
  });
  const status = h('p', { class: 'hint', role: 'status' });
  const retry = h(
    'button',
    { class: 'button', hidden: true, onclick: () => (ready ? changed(true) : void start()) },
    words('again'),
  );
  const onward = (['explore', 'walk', 'mix'] as const).map((view) =>
    h(
      'button',
      { class: view === 'explore' ? 'button strong' : 'button', onclick: () => goOn(view) },
      icon(view),
      words(view),
    ),
  );
  const rubOut = h(
    'button',
    { class: 'button', onclick: () => app.rubOut(pad.picture()) },
    icon('complete'),
    words('rubOut'),
  );
  const element = h(
    'div',
    { class: 'view drawing', onkeydown: (event) => shortcut(event as KeyboardEvent) },
    classes.element,
    h(
      'div',
      { class: 'desk' },
      pad.element,
      h(
        'div',
        { class: 'tools' },
        h('p', { class: 'hint' }, words('help')),
        photos.element,
        brushes.element,
        h('div', { class: 'bar' }, undo, clear, ...photoButtons(take)),
        seenBox,
      ),
    ),
    h('div', { class: 'bar say' }, status, retry),
    h('div', { class: 'bar', role: 'group', 'aria-label': words('goOn') }, ...onward, rubOut),
  );

  /** Which model the pad is set up for. */
  let model = '';
  let ground: Colour | undefined;
  let point: FreePoint | undefined;
  /** Whether this visit to the view is in the browser's history. */
  let pushed = false;
  let trouble: string | undefined;
  let ready = false;

  const shape = () => app.manifest.image.height / app.manifest.image.width;

  function say(text: string): void {
    setText(status, text);
  }

  function changed(settled: boolean): void {
    trouble = undefined;
    showTools();
    follow(settled);
  }

  function replacePhoto(next: (photo: Placed) => Placed): void {
    const { photo } = pad.work;
    if (photo !== undefined) pad.change({ ...pad.work, photo: next(photo) }, 'photo');
  }

  const isCurrent = (file: App['model']['file']) => element.isConnected && app.model.file === file;

  /** Downloads and starts the encoder before it is needed: the first stroke is to be seen at once. */
  async function start(): Promise<void> {
    const { manifest, file } = app.model;
    ready = false;
    trouble = undefined;
    try {
      await app.encode(pad.picture(), oneHot(0, manifest.classes.length));
      if (!isCurrent(file)) return;
      ready = true;
      changed(true);
    } catch (error) {
      complain(error, file);
    }
  }

  /** The newest picture of the pad, to a latent and back. */
  const follow = latest(async (settled: boolean) => {
    const { manifest, file } = app.model;
    const index = classes.chosen();
    try {
      const picture = pad.picture();
      draw(seen, picture);
      if (isNothing(pad.work) || index === undefined) point = undefined;
      tell();
      if (isNothing(pad.work) || index === undefined || !ready) return;
      const weights = oneHot(index, manifest.classes.length);
      const latent = await app.encode(picture, weights);
      const next: FreePoint = { kind: 'free', z: toGrid(latent), classes: toMix(weights), truncation: 1 };
      const [again] = await app.make([inputsOf(next, manifest)], 'interactive');
      if (again === undefined || !isCurrent(file)) return;
      point = next;
      app.preview(next, again);
      if (settled) keep(next);
      tell();
    } catch (error) {
      complain(error, file);
    }
  });

  function complain(error: unknown, file: App['model']['file']): void {
    if (error instanceof Dropped || !isCurrent(file)) return;
    trouble = plainWords(error);
    tell();
  }

  /** In the address, so that the link, the other views and a reload have it. */
  function keep(next: FreePoint): void {
    app.open(next, pushed ? 'replace' : 'push');
    pushed = true;
  }

  function tell(): void {
    const { manifest, variant } = app.model;
    retry.hidden = trouble === undefined;
    for (const button of onward) button.disabled = point === undefined;
    const wide = matchMedia('(min-width: 960px)').matches;
    const mb = (encoderFile(manifest, variant).bytes / 1e6).toFixed(1);
    if (trouble !== undefined) say(trouble);
    else if (!ready) say(words('getting', { mb }));
    else if (classes.chosen() === undefined) say(words('choose'));
    else say(point === undefined ? '' : words(wide ? 'liveBeside' : 'live'));
  }

  function showTools(): void {
    const { photo, marks } = pad.work;
    if (photo === undefined) pad.moving = false;
    photos.element.hidden = photo === undefined;
    brushes.element.hidden = pad.moving;
    if (photo !== undefined)
      photos.update({
        zoom: zoomOf(photo, shape()),
        moving: pad.moving,
        inverted: photo.inverted,
        invertible: app.manifest.image.channels !== 4,
      });
    rubOut.disabled = isNothing(pad.work);
    undo.disabled = !pad.canUndo;
    clear.disabled = photo === undefined && marks.length === 0;
    pad.element.setAttribute('aria-label', words(pad.moving ? 'padPhoto' : 'pad'));
    pad.element.classList.toggle('moving', pad.moving);
  }

  function goOn(view: 'explore' | 'walk' | 'mix'): void {
    if (point !== undefined) app.set({ centre: point, truncation: point.truncation, view }, 'push');
  }

  function shortcut(event: KeyboardEvent): void {
    if (event.key !== 'z' || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
    event.preventDefault();
    pad.undo();
  }

  async function take(blob: Blob): Promise<void> {
    try {
      setUp();
      const fit = fitOf(app.manifest);
      const photo = placed(await readPhoto(blob), shape(), fit.fit);
      // A photo on white, for a model whose pictures are on black.
      const light = measureGround([cropped(photo, app.manifest.image, fit, ground)]);
      const inverted = ground !== undefined && light !== undefined && contrast(ground, light) > 8;
      pad.moving = true;
      pad.change({ photo: { ...photo, inverted }, marks: [] });
    } catch {
      app.notify(words('unreadable'));
    }
  }

  /** For the model that is shown, once. */
  function setUp(): void {
    const { manifest, file } = app.model;
    const { image, classes: labels } = manifest;
    const key = JSON.stringify([file.url, image, labels]);
    if (model === key) return;
    model = key;
    ready = false;
    point = undefined;
    ground = image.channels === 4 ? undefined : groundOf(pinnedPictures(manifest));
    const next = pictureCanvas(image.width, image.height);
    seen.replaceWith(next);
    seen = next;
    pad.reset(image, fitOf(manifest), ground);
    brushes.reset(image.channels, Math.max(image.width, image.height), ground);
    classes.reset(labels, app.state.class);
    rubOut.hidden = manifest.completer === undefined;
  }

  return {
    element,
    update(changes) {
      setUp();
      if (changes.has('model') || changes.has('view')) {
        pushed = false;
        if (!ready) void start();
        changed(false);
      }
    },
    refresh() {
      void start(); // the newer model has an encoder of its own
    },
    take: (blob) => void take(blob),
  };
}

/** What is drawn on where pictures are opaque: their own ground, or black or white where they reach to the edge. */
function groundOf(pictures: readonly Picture[]): Colour {
  const levels = pictures.flatMap(({ data }) => [...data]);
  const dark = levels.reduce((sum, level) => sum + level, 0) < 127 * levels.length;
  return measureGround(pictures) ?? (dark ? [0, 0, 0] : [255, 255, 255]);
}

/** Straight to the camera where there is one to hold. */
function photoButtons(take: (photo: Blob) => void): HTMLElement[] {
  const touch = matchMedia('(pointer: coarse)').matches;
  return ([...(touch ? (['take'] as const) : []), 'pick'] as const).flatMap((word) => {
    const capture = word === 'take' ? 'environment' : undefined;
    const input = fileInput({ accept: 'image/*', capture }, ([photo]) => photo && take(photo.file));
    return [input, iconTool(word === 'take' ? 'camera' : 'photo', word, () => input.click())];
  });
}
