// The page's entry: finds the models, starts the engine, connects the large picture, the views and the address bar.
import './policy.ts';
import './styles/index.css';
import { forget, readChoice, writeChoice } from '../client/engine/device.ts';
import { createEngine, type EngineStatus } from '../client/engine/engine.ts';
import type { Choice } from '../client/engine/ladder.ts';
import { RunnerError, startRunner } from '../client/engine/runner.ts';
import { isNetworkFailure } from '../client/files/patience.ts';
import { OtherFile } from '../client/files/store.ts';
import { spawnWorker } from '../client/spawn.ts';
import type { Training } from '../contract/training.ts';
import { createAddress } from './address.ts';
import { createCatalogue } from './files/catalogue.ts';
import { freshModel, keptModel, type LoadedModel, type ModelEntry, sameKind } from './files/models.ts';
import { dropOldRuntimes, runtimeFiles } from './files/runtime.ts';
import { store } from './files/store.ts';
import { watchTraining } from './files/training.ts';
import { createHere } from './offline/here.ts';
import { listenForInstall } from './offline/install.ts';
import { registerWorker } from './offline/offline.ts';
import { latentOfPicture, picturesOf } from './pictures/network.ts';
import { FIRST, firstOf, modelInState, opened, readState, type State, viewsOf, writeState } from './state.ts';
import { t } from './texts.ts';
import { openDevice } from './ui/device-dialog.ts';
import { openSave, openShare, type Shown } from './ui/dialogs.ts';
import { createGround } from './ui/ground.ts';
import {
  cancelledPanel,
  downloadPanel,
  emptyPanel,
  failurePanel,
  missingPanel,
  plainWords,
  startingPanel,
  waitingPanel,
} from './ui/panels.ts';
import { createShell } from './ui/shell.ts';
import type { App } from './ui/view.ts';

let model: LoadedModel | undefined;
let state = FIRST;
let choice: Choice = readChoice();
let failed = false;
/** Times in a row that a bundle was replaced while it was being fetched. */
let replaced = 0;
/** Models asked for so far. */
let turns = 0;
/** Whether the address named no model when the page was opened. */
let asksForNone = false;
/** A link's fragment that could not be read: trying again opens its model without it. */
let unreadable: string | undefined;
/** Done when the model that was asked for last draws, or cannot. */
let loading: Promise<void> = Promise.resolve();
/** The newest snapshot asked for, and what ends the watching of the training. */
let asked = '';
let endWatch = (): void => undefined;

const address = createAddress();
const ground = createGround();
const catalogue = createCatalogue(() => {
  // The address asked for none, and another is first now: the one that was just made.
  const [first] = catalogue.models;
  if (turns === 1 && asksForNone && first !== undefined && first.name !== state.model) void openModel('');
});
const engine = createEngine(
  {
    store,
    runtime: runtimeFiles,
    start: (message, signal) => startRunner(spawnWorker, message, signal),
    inThread: false,
    remembers: true,
  },
  {
    onStatus: showStatus,
    onFallback: (verdict) =>
      shell.notify(
        t('fellBack', {
          provider: t(verdict.provider),
          reason: verdict.reason === undefined ? '' : t(`why-${verdict.reason}`),
        }),
      ),
    onDamaged: () => shell.notify(t('damaged')),
  },
);

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
    address.write(`#${writeState(state, app.manifest)}`, history);
    shell.update(changed);
  },
  open(point, history = 'push') {
    app.set(opened(state, point), history);
  },
  preview: (point, picture, completedBy) => shell.stage.preview(point, picture, completedBy),
  make: (inputs, priority) => picturesOf(engine, app.manifest, inputs, priority),
  async encode(picture, weights) {
    await loading; // the first picture goes before
    return latentOfPicture(engine, app.manifest, picture, weights);
  },
  async complete(completions) {
    await loading;
    return engine.complete(completions);
  },
  rubOut: (picture) => shell.rubOut(picture),
  batchSize: () => engine.batchSize(),
  dropBackground: () => engine.dropBackground(),
  notify: (text, action) => shell.notify(text, action),
  fail,
};

const shell = createShell(app, {
  models: () => catalogue.models,
  refreshModels: catalogue.refresh,
  pickModel: (name) => void openModel(name),
  modelAdded: async (name) => {
    await catalogue.refreshOwn();
    const fragment = location.hash.slice(1);
    // It may be what a link is waiting for.
    await openModel(name, model === undefined && modelInState(fragment) === name ? fragment : '');
  },
  modelRemoved: async () => {
    await catalogue.refreshOwn();
    if (entryOf(state.model) === undefined) await openModel('');
  },
  save: () => withShown(openSave),
  share: () => withShown(openShare),
  device: () => void showDevice(),
});

const here = createHere(() => {
  const { status } = engine;
  return model === undefined || status.phase !== 'running' ? undefined : { build: status.build, model };
}, shell);
const download = downloadPanel(() => engine.cancel());

function withShown(open: (shown: Shown, app: App) => void): void {
  const shown = shell.stage.shown();
  if (shown !== undefined && model !== undefined) open({ ...shown, model }, app);
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
  if (model === undefined) return; // what runs is of a model that was left
  if (status.phase === 'loading' && shell.stage.shown() === undefined) {
    download.show(status.loaded, status.total);
    shell.stage.cover(download.element);
  }
  if (status.phase === 'starting' && shell.stage.shown() === undefined) shell.stage.cover(startingPanel());
  if (status.phase === 'cancelled') shell.stage.cover(cancelledPanel(restart));
  if (status.phase === 'failed') fail(status.error);
  if (status.phase === 'running') {
    if (!failed) shell.stage.cover(undefined);
    if (!status.measuring) void here.show();
  }
}

async function showDevice(): Promise<void> {
  const parts = await here.parts();
  const { status } = engine;
  if (parts === undefined || status.phase !== 'running') return;
  openDevice({
    verdicts: status.verdicts,
    choice,
    readiness: parts,
    choose: (next) => {
      choice = next;
      writeChoice(next);
      if (next === 'auto') forget();
      void openModel(state.model);
    },
  });
}

const entryOf = (name: string): ModelEntry | undefined => catalogue.models.find((one) => one.name === name);

/** Loads a model by name, or the first of all, and shows what the address asks of it. */
async function openModel(name: string, fragment = ''): Promise<void> {
  const turn = ++turns;
  // One of a training that began after this page was opened.
  if (name !== '' && entryOf(name) === undefined) await catalogue.refresh();
  if (turn !== turns) return; // another was asked for meanwhile
  failed = false;
  const entry = name === '' ? catalogue.models[0] : entryOf(name);
  if (entry === undefined && name === '') return shell.stage.cover(emptyPanel());
  if (entry === undefined || entry.problem !== undefined) return showMissing(name || entry?.name || '', entry?.problem);
  if (entry.bundle === undefined) return awaitPictures(entry, fragment);
  shell.showAsking(true);
  try {
    const kept = await keptModel(entry);
    const next = kept ?? (await freshModel(entry));
    if (turn !== turns) return;
    const shown = show(entry, next, wantedOf(entry, next, fragment));
    if (kept !== undefined && !entry.own) void takeNewest(entry, turn, shown);
  } catch (error) {
    if (turn !== turns) return;
    // One that cannot be had is no reason to leave the one that is shown.
    if (model !== undefined && entry.name !== state.model) return shell.notify(plainWords(error));
    return fail(error);
  } finally {
    if (turn === turns) shell.showAsking(false);
  }
}

/** What is to be seen of a model: what a link asks for, or what was seen before as far as it has that. Throws UserError. */
function wantedOf(entry: ModelEntry, { manifest }: LoadedModel, fragment: string): State {
  const known = manifest.classes.length === model?.manifest.classes.length;
  const base = { ...firstOf(entry.name, manifest), view: state.view, ...(known ? { class: state.class } : {}) };
  try {
    const wanted = fragment === '' ? (entry.name === state.model ? state : base) : readState(fragment, manifest, base);
    const view = viewsOf(manifest).find((name) => name === wanted.view) ?? FIRST.view;
    return { ...wanted, model: entry.name, view };
  } catch (error) {
    unreadable = fragment;
    throw error;
  }
}

/** Puts a model on the page and starts it. True when it draws. */
async function show(entry: ModelEntry, next: LoadedModel, wanted: State): Promise<boolean> {
  failed = false;
  try {
    model = next;
    state = wanted;
    const addressed = modelInState(location.hash.slice(1)) ?? entry.name;
    address.write(`#${writeState(state, next.manifest)}`, addressed === entry.name ? 'replace' : 'push');
    ground.modelChanged(next.manifest);
    shell.modelChanged(entry);
    watch(entry, '');
    const running = engine.load(next, choice);
    loading = running.catch(() => undefined);
    shell.update(new Set(Object.keys(state) as (keyof State)[]));
    await running;
    if (model !== next || engine.status.phase !== 'running') return false;
    replaced = 0;
    await Promise.all([next.keep(), dropOldRuntimes()]);
    return true;
  } catch (error) {
    // The engine shows its own failures through its status.
    if (engine.status.phase !== 'failed' && engine.status.phase !== 'cancelled') fail(error);
    return false;
  }
}

/** What the device had is shown: the server may have a newer one, which takes over when it has proved itself. */
async function takeNewest(entry: ModelEntry, turn: number, shown: Promise<boolean>): Promise<void> {
  const before = model;
  try {
    const next = await freshModel(entry);
    await shown;
    if (turn === turns && before !== undefined && next.sha256 !== model?.sha256) await goOver(entry, next, before);
  } catch (error) {
    if (turn === turns && !isNetworkFailure(error))
      shell.notify(t('keptInstead', { reason: plainWords(error).replace(/[.。]$/, '') }));
  }
}

/** Goes over to a newer bundle of the model that is shown. Rejects, with that one shown as before, when it does not work here. */
async function goOver(entry: ModelEntry, next: LoadedModel, before: LoadedModel): Promise<void> {
  if (sameKind(next.manifest, before.manifest) && engine.status.phase === 'running') {
    await engine.renew(next);
    if (state.model !== entry.name) return;
    model = next;
    ground.modelChanged(next.manifest);
    shell.refresh();
    void next.keep().then(here.show);
    return;
  }
  // Trained anew under the same name, with other classes or another size: another model.
  if (await show(entry, next, wantedOf(entry, next, ''))) return;
  const { status } = engine;
  if (model !== next || status.phase !== 'failed') return; // left meanwhile
  await show(entry, before, wantedOf(entry, before, ''));
  throw status.error;
}

/** Nothing stands for a model that is not here, and the address stays: it may be added, or come back. */
function showMissing(name: string, problem: string | undefined): void {
  endWatch();
  shell.live.show(undefined, undefined);
  model = undefined;
  state = { ...state, model: name };
  shell.modelChanged({ name, title: name.replace(/^own:/, ''), training: false, own: false });
  shell.stage.cover(missingPanel(name, problem, shell.chooseModel));
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
      await catalogue.refresh();
      return await openModel(entry.name, fragment);
    }
    if (model.sha256 === sha256) return;
    await goOver(entry, await freshModel(entry), model);
  } catch (error) {
    // One that does not give its goldens here is left out; anything else is tried again.
    if (!(error instanceof RunnerError)) asked = '';
  }
}

async function boot(): Promise<void> {
  const fragment = location.hash.slice(1);
  const name = modelInState(fragment) ?? '';
  asksForNone = name === '';
  shell.stage.cover(startingPanel());
  try {
    await catalogue.open();
  } catch (error) {
    return fail(error);
  }
  await openModel(name, fragment === unreadable ? '' : fragment);
}

// Everything can be touched from here on; pictures follow. bench/web reads the marks.
performance.mark('pocketgen:interactive');
addEventListener('popstate', () => {
  address.forget();
  const fragment = location.hash.slice(1);
  const name = modelInState(fragment) ?? state.model;
  if (model === undefined || name !== state.model) return void openModel(name, fragment);
  try {
    app.set(readState(fragment, app.manifest, firstOf(name, app.manifest)));
  } catch (error) {
    shell.notify(plainWords(error)); // what is shown goes on
  }
});
addEventListener('pagehide', address.flush);
addEventListener('offline', () => void here.sayOffline());
listenForInstall(() => undefined);

void registerWorker((apply) => shell.notify(t('update'), { label: 'updateNow', run: apply })).then(() =>
  // The first visit's precache fills while the pictures are made.
  navigator.serviceWorker?.ready.then(() => here.show()),
);
void boot();
