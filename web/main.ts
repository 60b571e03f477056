// The page's entry: finds the models, starts the engine, connects the large picture, the views and the address bar.
import './policy.ts';
import './styles/index.css';
import { LIMITS } from '../contract/limits.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { forget, readChoice, writeChoice } from './engine/device.ts';
import { createEngine, type EngineStatus } from './engine/engine.ts';
import type { Choice } from './engine/ladder.ts';
import { type LoadedModel, listModels, loadModel, type ModelEntry } from './files/models.ts';
import { listenForInstall } from './offline/install.ts';
import { readiness, registerWorker } from './offline/offline.ts';
import type { Inputs } from './pictures/point.ts';
import { modelInState, readState, type State, writeState } from './state.ts';
import { t } from './texts.ts';
import { openDevice } from './ui/device-dialog.ts';
import { openSave, openShare } from './ui/dialogs.ts';
import { cancelledPanel, emptyPanel, failurePanel, progressPanel } from './ui/panels.ts';
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
  set(patch, history = 'replace') {
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
  pickModel: (name) => void openModel(name),
  addModels: async (entry) => {
    models = await listModels();
    shell.listModels();
    await openModel(entry);
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

function withShown(open: (shown: Parameters<typeof openSave>[0]) => void): void {
  const shown = shell.stage.shown();
  if (shown !== undefined && model !== undefined) open({ ...shown, model });
}

/** The first error is shown, until the person tries again; what follows from it is not. */
function fail(error: unknown): void {
  if (failed) return;
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

/** Loads a model by name and shows what the address asks of it. */
async function openModel(name: string, fragment = ''): Promise<void> {
  const entry = models.find((one) => one.name === name) ?? models[0];
  if (entry === undefined) return shell.stage.cover(emptyPanel());
  failed = false;
  try {
    const next = await loadModel(entry);
    const known = next.manifest.classes.length === model?.manifest.classes.length;
    model = next;
    const base = { ...firstOf(entry.name, next.manifest), view: state.view, ...(known ? { class: state.class } : {}) };
    const asked =
      fragment === '' ? (entry.name === state.model ? state : base) : readState(fragment, next.manifest, base);
    state = { ...asked, model: entry.name };
    writeAddress('replace');
    shell.modelChanged();
    const running = engine.load(next, choice);
    shell.update(new Set(Object.keys(state) as (keyof State)[]));
    await running;
  } catch (error) {
    // The engine shows its own failures through its status.
    if (engine.status.phase !== 'failed' && engine.status.phase !== 'cancelled') fail(error);
  }
}

async function boot(): Promise<void> {
  try {
    models = await listModels();
  } catch (error) {
    return fail(error);
  }
  shell.listModels();
  const fragment = location.hash.slice(1);
  await openModel(modelInState(fragment) ?? '', fragment);
}

// Everything can be touched from here on; pictures follow. bench/web reads the marks.
performance.mark('pocketgen:interactive');
addEventListener('popstate', () => {
  if (model === undefined) return;
  const fragment = location.hash.slice(1);
  const name = modelInState(fragment) ?? state.model;
  if (name !== state.model) return void openModel(name, fragment);
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
