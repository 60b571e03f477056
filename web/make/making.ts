// "Make a model": what was begun on this device, what is being trained with what it draws now, and pictures for a new one.
import './make.css';
import { zipSync } from 'fflate';
import { readBundle } from '../../client/files/bundle.ts';
import { onBackground } from '../../contract/background.ts';
import type { HistoryPoint } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { decodePng } from '../../contract/png.ts';
import type { ModelEntry } from '../files/models.ts';
import { keepOwn } from '../files/own.ts';
import { t } from '../texts.ts';
import { startTrainer, type TrainerNews } from '../train/client.ts';
import { type NewRun, type Outlook, type Progress, type RunSummary, TrainedElsewhere } from '../train/protocol.ts';
import { measuresOf, showCurve } from '../ui/curve.ts';
import { draw, h, pictureCanvas } from '../ui/dom.ts';
import { fileInput, saveBlob } from '../ui/files.ts';
import { plainWords, whyNotKept } from '../ui/panels.ts';
import type { App, TakingView } from '../ui/view.ts';
import { createAwake } from './awake.ts';
import { createChooser } from './chooser.ts';
import { duration, number } from './numbers.ts';
import { words } from './texts.ts';

/** Of ONNX Runtime, if this device has none yet, and the trainer. */
const TRAINER_MB = 3;
const LOOK_MS = 3000;
/** A training that is to end sooner has so long to settle: its learning rate falls to the end of its schedule at once. */
const FINISH_SECONDS = 300;
/** More than this share of near copies, and the model repeats its pictures. */
const MANY_COPIES = 0.1;

interface Models {
  /** Those there are. */
  known(): readonly ModelEntry[];
  /** A new one is among the own ones. */
  added(name: string): Promise<void>;
}

export function createMaking(app: Pick<App, 'notify'>, models: Models): TakingView {
  const trainer = startTrainer({ onProgress, onSamples, onJudging, onHistory, onSaid: app.notify });
  const awake = createAwake();
  /** The run under way, what stops it before its first step, and what is done when it has ended. */
  let training: { id: string; early: AbortController; ended: Promise<void> } | undefined;
  let watching: ReturnType<typeof setTimeout> | undefined;
  /** Images it will have seen when it has had time to settle, and whether it is settling. */
  let soonest = 0;
  let settles = false;

  /** How far a run of the list is, by its id. */
  const tellSeen = new Map<string, (images: number, total: number) => void>();
  const runs = h('ul', { class: 'choices' });
  const begun = h('section', { class: 'part', hidden: true }, h('h3', {}, words('runs')), runs);
  const status = h('p', { role: 'status' });
  const losses = h('p', { class: 'hint' });
  const bar = h('progress', { max: 1, value: 0, 'aria-label': words('title') });
  let samples = pictureCanvas(1, 1);
  const caption = h('figcaption', { class: 'hint' }, words('samples'));
  const meter = h('p', { class: 'hint' });
  const curve = h('div', { class: 'curve', hidden: true });
  const sheet = h('figure', { class: 'samples', hidden: true }, samples, caption);
  const pause = h('button', { class: 'button strong', onclick: () => void stop() }, words('pause'));
  const finish = h(
    'button',
    { class: 'button', disabled: true, onclick: () => void endSooner().catch(fail) },
    words('finish', { time: duration(FINISH_SECONDS) }),
  );
  const speed = h(
    'select',
    { id: 'make-speed', onchange: () => void trainer.call('rest', Number(speed.value)) },
    ...(['fast', 'gentle', 'cool'] as const).map((kind, i) => h('option', { value: [0, 1, 4][i] }, words(kind))),
  );
  const now = h(
    'section',
    { class: 'part making-now', hidden: true },
    ...[status, bar, losses, sheet, meter, curve],
    h('div', { class: 'bar' }, pause, finish),
    h('p', { class: 'hint' }, words('settles')),
    h('div', { class: 'field' }, h('label', { for: speed.id }, words('speed')), speed),
    h('p', { class: 'hint' }, words(awake.can ? 'awake' : 'sleeps')),
  );
  const chooser = createChooser({ measure, begin, fail });
  const zip = fileInput({ accept: '.zip,application/zip' }, ([given]) => given && void unpack(given.file).catch(fail));
  const element = h(
    'div',
    { class: 'view making' },
    h('h2', {}, words('title')),
    h('p', { class: 'hint' }, words('help')),
    ...[now, begun, chooser.element],
    h('div', { class: 'bar' }, zip, h('button', { class: 'button', onclick: () => zip.click() }, words('unpack'))),
  );

  function fail(error: unknown): void {
    app.notify(plainWords(error));
  }

  function showSamples(picture: Picture): void {
    const shown = onBackground(picture, 'checkerboard');
    if (samples.width !== shown.width || samples.height !== shown.height) {
      const fresh = pictureCanvas(shown.width, shown.height);
      samples.replaceWith(fresh);
      samples = fresh;
    }
    draw(samples, shown);
    sheet.hidden = false;
  }

  function onSamples({ picture, copies }: Parameters<TrainerNews['onSamples']>[0]): void {
    showSamples(picture);
    meter.textContent = words(copies > MANY_COPIES ? 'copiesMany' : 'copies', { n: number(100 * copies) });
  }

  function onJudging(share: number): void {
    status.textContent = words('judging', { n: number(100 * share) });
  }

  function onHistory(history: HistoryPoint[]): void {
    curve.hidden = measuresOf(history).length === 0;
    if (!curve.hidden) void showCurve(curve, history);
  }

  function onProgress({ images, total, imagesPerSecond, statistics }: Progress): void {
    bar.value = images / total;
    losses.textContent = Object.entries(statistics)
      .slice(0, 2)
      .map(([name, value]) => `${name} ${number(value)}`)
      .join(' · ');
    if (imagesPerSecond === 0) return;
    soonest = Math.round(images + FINISH_SECONDS * imagesPerSecond);
    finish.disabled = pause.disabled || settles || soonest >= total;
    const left = duration((total - images) / imagesPerSecond);
    const seen = { images: number(images), total: number(total) };
    status.textContent = words('progress', { ...seen, left, speed: number(imagesPerSecond) });
    if (training !== undefined) tellSeen.get(training.id)?.(images, total);
  }

  async function measure(run: NewRun): Promise<Outlook> {
    await trainer.ready();
    return trainer.call('forecast', run);
  }

  async function begin(run: NewRun, images: number): Promise<void> {
    try {
      void navigator.storage.persist?.().catch(() => false);
      await go(await trainer.call('create', run, images), undefined);
    } catch (error) {
      fail(error);
    }
  }

  async function list(): Promise<void> {
    const all = await trainer.call('runs');
    begun.hidden = all.length === 0;
    runs.replaceChildren(...all.map(row));
    chooser.list(models.known());
  }

  function row(run: RunSummary): HTMLElement {
    const { id, images, total, problem } = run;
    const done = images >= total;
    const idle = training === undefined;
    const button = (key: Parameters<typeof words>[0], work: () => Promise<void>, needs: boolean) =>
      h('button', { class: 'button', disabled: !needs, onclick: () => void work().catch(fail) }, words(key));
    const facts = h('small');
    if (problem !== undefined) {
      facts.textContent = problem;
      const away = h(
        'div',
        { class: 'bar' },
        button('remove', () => remove(run), idle),
      );
      return h('li', { 'data-run': id }, h('b', { dir: 'auto' }, run.name), facts, away);
    }
    tellSeen.set(id, (images, total) => {
      const seen = { pictures: number(run.pictures), images: number(images), total: number(total) };
      facts.textContent = words('runFacts', { ...seen, size: run.size });
    });
    tellSeen.get(id)?.(images, total);
    return h(
      'li',
      { 'data-run': id },
      h('b', { dir: 'auto' }, run.name),
      facts,
      h(
        'div',
        { class: 'bar' },
        button(done ? 'longer' : 'goOn', () => go(id, done ? 2 * total : undefined), idle),
        button('keep', () => keep(run), images > 0 || training?.id === id),
        button('download', () => download(run), images > 0 || training?.id === id),
        button('pack', () => pack(run), images > 0 && idle),
        button('remove', () => remove(run), idle),
      ),
    );
  }

  async function go(id: string, images: number | undefined, toSettle = false): Promise<void> {
    if (training !== undefined) await stop();
    settles = toSettle;
    clearTimeout(watching);
    const early = new AbortController();
    const ended = train(id, images, early.signal);
    training = { id, early, ended };
    await list();
    await ended;
  }

  async function train(id: string, images: number | undefined, early: AbortSignal): Promise<void> {
    now.hidden = false;
    pause.disabled = false;
    awake.set(true);
    try {
      status.textContent = words('loading', { mb: TRAINER_MB });
      await trainer.ready();
      await trainer.offerGpu();
      if (early.aborted) {
        now.hidden = true;
        return;
      }
      status.textContent = words('starting');
      const result = await trainer.call('train', id, images);
      status.textContent = words(result.finished ? 'finished' : 'paused', { images: number(result.images) });
    } catch (error) {
      if (error instanceof TrainedElsewhere) return await watch(id);
      now.hidden = true;
      fail(error);
    } finally {
      awake.set(false);
      pause.disabled = finish.disabled = true;
      training = undefined;
      await list();
    }
  }

  async function isHeld(id: string): Promise<boolean> {
    const { held = [] } = await navigator.locks.query();
    return held.some(({ name }) => name?.endsWith(`:${id}`) === true);
  }

  /** Another tab trains it: what it has written is shown here. */
  async function watch(id: string): Promise<void> {
    const { images, sheet: png } = await trainer.call('look', id);
    status.textContent = words('watching', { images: number(images) });
    if (png) showSamples(decodePng(png));
    if (await isHeld(id)) watching = setTimeout(() => void watch(id).catch(fail), LOOK_MS);
    else await list();
  }

  async function endSooner(): Promise<void> {
    const { id } = training ?? {};
    if (id !== undefined) await go(id, soonest, true);
  }

  async function stop(): Promise<void> {
    pause.disabled = finish.disabled = true;
    status.textContent = words('pausing');
    training?.early.abort();
    await trainer.call('pause');
    await training?.ended;
  }

  /** Of what a person calls it, what an address may have. */
  function addressOf(name: string): string {
    const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    return plain.slice(0, 50).replace(/^-+|-+$/g, '') || 'my-model';
  }

  /** The bundle's files; what is under way is paused before, so that its newest pictures are in it. */
  async function made({ id, name: title }: RunSummary, name: string): Promise<[string, Uint8Array<ArrayBuffer>][]> {
    if (training !== undefined) await stop();
    app.notify(words('keeping'));
    await trainer.ready();
    return [...(await trainer.call('bundle', id, { name, title }))];
  }

  async function keep(run: RunSummary): Promise<void> {
    // Its own name, whatever others are called: kept again it takes its own place and nobody else's.
    const bundle = await readBundle(await made(run, `${addressOf(run.name)}-${run.id.slice(0, 4)}`));
    const { entry, kept } = await keepOwn(bundle);
    await models.added(entry.name);
    chooser.list(models.known());
    const told = { name: run.name, images: number(bundle.manifest.training.imagesSeen) };
    app.notify(kept ? words('kept', told) : t('bundleHere', { name: run.name, reason: whyNotKept() }));
  }

  async function download(run: RunSummary): Promise<void> {
    const name = addressOf(run.name);
    const files = await made(run, name);
    // Weights hardly get smaller.
    const packed = zipSync(Object.fromEntries(files.map(([path, bytes]) => [`${name}/${path}`, bytes])), { level: 0 });
    await save(packed, `${name}.zip`);
  }

  async function pack(run: RunSummary): Promise<void> {
    await save(await trainer.call('pack', run.id), `${run.name}.run.zip`);
  }

  const save = (bytes: Uint8Array, name: string): Promise<void> =>
    saveBlob(new Blob([new Uint8Array(bytes)], { type: 'application/zip' }), name, app.notify);

  async function unpack(file: File): Promise<void> {
    await trainer.call('unpack', new Uint8Array(await file.arrayBuffer()));
    await list();
  }

  async function remove(run: RunSummary): Promise<void> {
    if (!confirm(words('sure', { name: run.name }))) return;
    await trainer.call('remove', run.id);
    await list();
  }

  void list().catch(() => {
    chooser.element.hidden = true;
    app.notify(words('noStorage'));
  });
  // What is shown follows the trainer, not the model that is looked at.
  return { element, update: () => undefined, refresh: () => undefined, take: chooser.take };
}
