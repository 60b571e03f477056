// The walk: from the large picture to another one, also between classes; play, loop, stop anywhere, save as GIF or APNG.

import { Dropped } from '../../client/engine/queue.ts';
import { steps } from '../../contract/walk.ts';
import { inputsBetween, pointBetween } from '../pictures/point.ts';
import { animationBlob, fileName } from '../pictures/save.ts';
import { t } from '../texts.ts';
import { draw, h, latest, pictureCanvas, setTiles } from './dom.ts';
import { saveBlob } from './files.ts';
import { icon, iconButton } from './icons.ts';
import { createOtherPicker, createThumb, otherOf } from './other.ts';
import { type App, reducedMotion, type View } from './view.ts';

/** Pictures of the strip; frames and frames a second of a saved animation. */
const STRIP = 10;
const FRAMES = 48;
const FPS = 24;
/** Milliseconds from one end to the other. */
const DURATION = 3000;

export function createWalk(app: App): View {
  const from = createThumb(app, 'from', () => app.state.centre);
  const to = createOtherPicker(app, 'to');
  const strip = h('ol', { class: 'sheet strip' });
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: 1,
    step: 0.005,
    value: 0,
    class: 'scrub',
    'aria-label': t('position'),
    oninput: () => {
      pause();
      moveTo(Number(slider.value));
    },
  });
  const playButton = h('button', { class: 'button strong', onclick: () => (playing ? pause() : play()) });
  const loop = h('input', { type: 'checkbox', id: 'loop', checked: true });
  const gif = h('button', { class: 'button', onclick: () => void saveAs('gif') }, icon('save'), t('saveGif'));
  const apng = h('button', { class: 'button', onclick: () => void saveAs('apng') }, icon('save'), t('saveApng'));
  const element = h(
    'div',
    { class: 'view' },
    h('div', { class: 'ends' }, from.element, iconButton('swap', t('swap'), swap), to.element),
    strip,
    slider,
    h(
      'div',
      { class: 'bar' },
      playButton,
      h('label', { class: 'check' }, loop, t('loop')),
      h('button', { class: 'button', onclick: stop }, icon('plus'), t('stopHere')),
    ),
    h('div', { class: 'bar' }, gif, apng, app.ground.fillBox()),
  );

  let position = 0;
  let playing = false;
  let direction = 1;
  let drawn = '';
  let generation = 0;
  let canvases: HTMLCanvasElement[] = [];

  const follow = latest(async (t: number) => {
    const other = otherOf(app);
    const { centre } = app.state;
    try {
      const [picture] = await app.make([inputsBetween(centre, other, t, app.manifest)], 'interactive');
      if (picture !== undefined && element.isConnected)
        app.preview(pointBetween(centre, other, t, app.manifest), picture);
    } catch (error) {
      pause();
      if (!(error instanceof Dropped)) app.fail(error);
    }
  });

  function moveTo(t: number): void {
    position = Math.max(0, Math.min(1, t));
    slider.value = String(position);
    slider.setAttribute('aria-valuetext', `${Math.round(position * 100)} %`);
    follow(position);
  }

  function label(): void {
    playButton.replaceChildren(icon(playing ? 'pause' : 'play'), t(playing ? 'pause' : 'play'));
  }

  function play(): void {
    playing = true;
    if (position >= 1 && !loop.checked) position = 0;
    label();
    let before = performance.now();
    // With reduced motion the walk goes on in the strip's still steps.
    const still = reducedMotion();
    const frame = (now: number) => {
      if (!playing) return;
      let next = position + (direction * (now - before)) / DURATION;
      if (!still || Math.abs(next - position) >= 1 / STRIP) {
        before = now;
        if (next >= 1 || next <= 0) {
          if (loop.checked) direction = next >= 1 ? -1 : 1;
          else if (next >= 1) {
            moveTo(1);
            return pause();
          } else direction = 1;
          next = Math.max(0, Math.min(1, next));
        }
        moveTo(next);
      }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  function pause(): void {
    playing = false;
    label();
  }

  function stop(): void {
    pause();
    app.open(pointBetween(app.state.centre, otherOf(app), position, app.manifest), 'push');
  }

  function swap(): void {
    pause();
    const { centre } = app.state;
    const other = otherOf(app);
    position = 0;
    app.set({ other: centre }, 'replace');
    app.open(other, 'push');
  }

  function keyOf(): string {
    const ends = [app.state.centre, otherOf(app)].map((p) => (p.kind === 'free' ? { ...p, z: Array.from(p.z) } : p));
    return JSON.stringify([app.model.file.sha256, ends]);
  }

  function layStrip(): void {
    const { width, height } = app.manifest.image;
    setTiles(strip, app.manifest.image, 56);
    canvases = steps(STRIP).map(() => pictureCanvas(width, height));
    strip.replaceChildren(
      ...steps(STRIP).map((t, i) => {
        const label = `${Math.round(t * 100)} %`;
        const click = () => moveTo(t);
        return h('li', {}, h('button', { class: 'tile', 'aria-label': label, onclick: click }, canvases[i]));
      }),
    );
  }

  async function fillStrip(): Promise<void> {
    const mine = ++generation;
    const other = otherOf(app);
    const { centre } = app.state;
    try {
      const pictures = await app.make(
        steps(STRIP).map((t) => inputsBetween(centre, other, t, app.manifest)),
        'background',
      );
      if (mine !== generation) return;
      for (const [i, picture] of pictures.entries()) {
        const canvas = canvases[i];
        if (canvas === undefined) continue;
        draw(canvas, picture);
        canvas.parentElement?.classList.add('made');
      }
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    }
  }

  async function saveAs(format: 'gif' | 'apng'): Promise<void> {
    for (const button of [gif, apng]) button.disabled = true;
    // The walk as it is now: what is shown may change meanwhile.
    const { manifest } = app;
    const { centre } = app.state;
    const other = otherOf(app);
    try {
      const frames = [];
      const positions = steps(FRAMES);
      while (frames.length < FRAMES) {
        const next = positions.slice(frames.length, frames.length + app.batchSize());
        const inputs = next.map((t) => inputsBetween(centre, other, t, manifest));
        frames.push(...(await app.make(inputs, 'background')));
      }
      // There and back without showing an end twice.
      const all = loop.checked ? [...frames, ...frames.slice(1, -1).reverse()] : frames;
      const scale = Math.max(1, Math.round(224 / manifest.image.width));
      const name = fileName(centre, manifest, format === 'gif' ? 'gif' : 'png');
      const blob = await animationBlob(all.map(app.ground.forSaving), format, scale, FPS);
      await saveBlob(blob, `walk-${name}`, app.notify);
    } catch (error) {
      if (!(error instanceof Dropped)) app.fail(error);
    } finally {
      for (const button of [gif, apng]) button.disabled = false;
    }
  }

  label();
  return {
    element,
    update(changed) {
      from.update(changed);
      to.update(changed);
      const wanted = keyOf();
      if (wanted === drawn && !changed.has('model')) return;
      drawn = wanted;
      direction = 1;
      position = 0;
      slider.value = '0';
      app.dropBackground();
      layStrip();
      void fillStrip();
    },
    refresh() {
      drawn = keyOf();
      from.refresh();
      to.refresh();
      app.dropBackground();
      void fillStrip();
    },
    leave() {
      pause();
      generation++;
      drawn = '';
      app.dropBackground();
    },
  };
}
