// The page's entry: finds the models, starts the engine, connects the large picture, the views and the address bar.
import './policy.ts';
import './styles/index.css';
import { LIMITS } from '../contract/limits.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import type { Training } from '../contract/training.ts';
import { forget, readChoice, writeChoice } from './engine/device.ts';
import { createEngine, type EngineStatus } from './engine/engine.ts';
import type { Choice } from './engine/ladder.ts';
import { RunnerError } from './engine/runner.ts';
import { type LoadedModel, listModels, loadModel, type ModelEntry, sameKind } from './files/models.ts';
import { OtherFile } from './files/store.ts';
import { watchTraining } from './files/training.ts';
import { listenForInstall } from './offline/install.ts';
import { readiness, registerWorker } from './offline/offline.ts';
import type { Inputs } from './pictures/point.ts';
import { modelInState, readState, type State, writeState } from './state.ts';
import { t } from './texts.ts';
import { openDevice } from './ui/device-dialog.ts';
import { openSave, openShare } from './ui/dialogs.ts';
import { createGround } from './ui/ground.ts';
import { cancelledPanel, emptyPanel, failurePanel, plainWords, progressPanel, waitingPanel } from './ui/panels.ts';
import { createShell } from './ui/shell.ts';
import type { App, History } from './ui/view.ts';

/** Before any model is loaded. */
const FIRST: State = {
  model: '',
  view: 'wall',
  class: undefined,
  truncation: 1,
  centre: { kind: 'seed', seed: '1', class: undefined, truncation: 1 },
  other: undefined,
  wall: 1,
  plane: 1,
};

/** What a model shows when the address asks for nothing. */
const firstOf = (name: string, { defaultTruncation: truncation }: Manifest): State => ({
  ...FIRST,
  model: name,
  truncation,
  centre: { ...FIRST.centre, truncation },
});

let models: ModelEntry[] = [];
let model: LoadedModel | undefined;
let state = FIRST;
let choice: Choice = readChoice();
let failed = false;
/** Times in a row that a bundle was replaced while it was being fetched. */
let replaced = 0;
/** Models asked for so far. */
let turns = 0;
/** The newest snapshot asked for, and what ends the watching of the training. */
let asked = '';
let endWatch = (): void => undefined;

const ground = createGround();
const engine = createEngine({
  onStatus: showStatus,
  onFallback: (verdict) =>
    shell.notify(
      t('fellBack', {
        provider: t(verdict.provider),
        reason: verdict.reason === undefined ? '' : t(`why-${verdict.reason}`),
      }),
    ),
  onDamaged: () => shell.notify(t('damaged')),
});

const app: App = {
  get model() {
    if (model === undefined) throw new Error('no model is loaded yet');
    return model;
  },
  get manifest() {
    return app.model.manifest;
  },
  get state() {
    return state;
  },
  ground,
  set(patch, history = 'replace') {
    if (model === undefined) return; // a training's first pictures are still to come
    const next = { ...state, ...patch };
    const changed = new Set((Object.keys(next) as (keyof State)[]).filter((key) => next[key] !== state[key]));
    state = next;
    writeAddress(history);
    shell.update(changed);
  },
  open(point, history = 'push') {
    const seed = point.kind === 'seed' ? { class: point.class } : {};
    app.set({ centre: point, truncation: point.truncation, ...seed }, history);
  },
  preview: (point, picture) => shell.stage.preview(point, picture),
  make,
  batchSize: () => engine.batchSize(),
  dropBackground: () => engine.dropBackground(),
  notify: (text, action) => shell.notify(text, action),
  fail,
};

const shell = createShell(app, {
  models: () => models,
  refreshModels,
  pickModel: (name) => void openModel(name),
  modelAdded: async (name) => {
    await refreshModels();
    await openModel(name);
  },
  modelRemoved: async () => {
    await refreshModels();
    if (!models.some(({ name }) => name === state.model)) await openModel('');
  },
  save: () => withShown(openSave),
  share: () => withShown(openShare),
  device: () => void showDevice(),
});

async function make(inputs: readonly Inputs[], priority: 'interactive' | 'background'): Promise<Picture[]> {
  const pictures: Picture[] = [];
  const conditional = app.manifest.inputs.classWeights !== undefined;
  for (let at = 0; at < inputs.length; at += LIMITS.batch) {
    const part = inputs.slice(at, at + LIMITS.batch);
    const weights = conditional ? part.map((input) => input.weights) : [];
    pictures.push(
      ...(await engine.decode(
        part.map((input) => input.z),
        weights,
        priority,
      )),
    );
  }
  return pictures;
}

function withShown(open: typeof openSave): void {
  const shown = shell.stage.shown();
  if (shown !== undefined && model !== undefined) open({ ...shown, model }, ground);
}

/** The first error is shown, until the person tries again; what follows from it is not. */
function fail(error: unknown): void {
  if (failed) return;
  // A bundle replaced between its manifest and its file: the newer one is asked for as a whole.
  if (error instanceof OtherFile && replaced++ < 3) return void openModel(state.model);
  failed = true;
  shell.stage.cover(failurePanel(error, restart));
}

function restart(): void {
  failed = false;
  shell.stage.cover(undefined);
  void (model === undefined ? boot() : openModel(state.model));
}

function showStatus(status: EngineStatus): void {
  shell.showStatus(status);
  if (status.phase === 'loading' && shell.stage.shown() === undefined)
    shell.stage.cover(progressPanel(status.loaded, status.total, () => engine.cancel()));
  if (status.phase === 'starting' && shell.stage.shown() === undefined) shell.stage.cover(progressPanel(1, 1));
  if (status.phase === 'cancelled') shell.stage.cover(cancelledPanel(restart));
  if (status.phase === 'failed') fail(status.error);
  if (status.phase === 'running') {
    if (!failed) shell.stage.cover(undefined);
    if (!status.measuring) void showReadiness();
  }
}

async function showReadiness(): Promise<void> {
  const { status } = engine;
  if (model === undefined || status.phase !== 'running') return;
  shell.showReady((await readiness(status.build, model)).ready);
}

async function showDevice(): Promise<void> {
  const { status } = engine;
  if (model === undefined || status.phase !== 'running') return;
  openDevice({
    verdicts: status.verdicts,
    choice,
    readiness: await readiness(status.build, model),
    choose: (next) => {
      choice = next;
      writeChoice(next);
      if (next === 'auto') forget();
      void openModel(state.model);
    },
  });
}

function writeAddress(history: History): void {
  const fragment = `#${writeState(state, app.manifest)}`;
  if (fragment === location.hash) return;
  if (history === 'push') window.history.pushState(null, '', fragment);
  else window.history.replaceState(null, '', fragment);
}

/** The list as it is now; without a network the one that is known stays. */
async function refreshModels(): Promise<readonly ModelEntry[]> {
  models = await listModels().catch(() => models);
  return models;
}

/** Loads a model by name and shows what the address asks of it. */
async function openModel(name: string, fragment = ''): Promise<void> {
  const turn = ++turns;
  // One of a training that began after this page was opened.
  if (name !== '' && !models.some((one) => one.name === name)) await refreshModels();
  if (turn !== turns) return; // another was asked for meanwhile
  const named = models.find((one) => one.name === name);
  const entry = named ?? models[0];
  if (entry === undefined) return shell.stage.cover(emptyPanel());
  if (named === undefined && name !== '') shell.notify(t('noSuchModel', { name }));
  failed = false;
  if (entry.bundle === undefined) return awaitPictures(entry, fragment);
  let next: LoadedModel;
  shell.showAsking(true);
  try {
    next = await loadModel(entry);
  } catch (error) {
    if (turn !== turns) return;
    // One that cannot be had is no reason to leave the one that is shown.
    if (model !== undefined && entry.name !== state.model) return shell.notify(plainWords(error));
    return fail(error);
  } finally {
    if (turn === turns) shell.showAsking(false);
  }
  if (turn !== turns) return;
  try {
    const known = next.manifest.classes.length === model?.manifest.classes.length;
    model = next;
    const base = { ...firstOf(entry.name, next.manifest), view: state.view, ...(known ? { class: state.class } : {}) };
    const wanted =
      fragment === '' ? (entry.name === state.model ? state : base) : readState(fragment, next.manifest, base);
    state = { ...wanted, model: entry.name };
    writeAddress('replace');
    ground.modelChanged(next.manifest);
    shell.modelChanged(entry);
    watch(entry, fragment);
    const running = engine.load(next, choice);
    shell.update(new Set(Object.keys(state) as (keyof State)[]));
    await running;
    replaced = 0;
  } catch (error) {
    // The engine shows its own failures through its status.
    if (engine.status.phase !== 'failed' && engine.status.phase !== 'cancelled') fail(error);
  }
}

/** A training that has made no pictures yet: the page says so, and opens the model when it has. */
function awaitPictures(entry: ModelEntry, fragment: string): void {
  model = undefined;
  state = { ...state, model: entry.name };
  shell.modelChanged(entry);
  shell.stage.cover(waitingPanel());
  watch(entry, fragment);
}

function watch(entry: ModelEntry, fragment: string): void {
  endWatch();
  asked = '';
  shell.live.show(undefined, undefined);
  if (!entry.training) return;
  shell.live.show('asking', undefined);
  endWatch = watchTraining(entry.name, (news) => {
    shell.live.show(news, model?.manifest.training.imagesSeen);
    if (news !== 'silent' && news.snapshot !== undefined) void takeSnapshot(entry, fragment, news.snapshot);
  });
}

/** Goes over to the training's newest pictures, or waits for the next answer if they cannot be had now. */
async function takeSnapshot(
  entry: ModelEntry,
  fragment: string,
  { sha256 }: NonNullable<Training['snapshot']>,
): Promise<void> {
  if (sha256 === asked) return;
  if (model !== undefined && engine.status.phase !== 'running') return;
  asked = sha256;
  try {
    if (model === undefined) {
      await refreshModels();
      return await openModel(entry.name, fragment);
    }
    if (model.sha256 === sha256) return;
    const next = await loadModel(entry);
    // Trained anew under the same name, with other classes or another size: another model.
    if (!sameKind(next.manifest, model.manifest)) return await openModel(entry.name);
    await engine.renew(next);
    if (state.model !== entry.name) return;
    model = next;
    ground.modelChanged(next.manifest);
    shell.refresh();
    void showReadiness();
  } catch (error) {
    // One that does not give its goldens here is left out; anything else is tried again.
    if (!(error instanceof RunnerError)) asked = '';
  }
}

async function boot(): Promise<void> {
  try {
    models = await listModels();
  } catch (error) {
    return fail(error);
  }
  const fragment = location.hash.slice(1);
  await openModel(modelInState(fragment) ?? '', fragment);
}

// Everything can be touched from here on; pictures follow. bench/web reads the marks.
performance.mark('pocketgen:interactive');
addEventListener('popstate', () => {
  const fragment = location.hash.slice(1);
  const name = modelInState(fragment) ?? state.model;
  if (model === undefined || name !== state.model) return void openModel(name, fragment);
  try {
    app.set(readState(fragment, app.manifest, firstOf(name, app.manifest)));
  } catch (error) {
    fail(error);
  }
});
addEventListener('online', () => shell.showNetwork(true));
addEventListener('offline', () => shell.showNetwork(false));
listenForInstall(() => undefined);

void registerWorker((apply) => shell.notify(t('update'), { label: 'updateNow', run: apply })).then(() =>
  // The first visit's precache fills while the pictures are made.
  navigator.serviceWorker?.ready.then(() => showReadiness()),
);
void boot();
