// What a new model is to be: begun from nothing or from another model, its size, what is trained and how large, and whether what is
// around things is transparent.
import { freshModel, keptModel, type LoadedModel, type ModelEntry } from '../files/models.ts';
import { FAMILIES, type NewRun } from '../train/protocol.ts';
import { h } from '../ui/dom.ts';
import { modelTitle } from '../ui/model-dialog.ts';
import { words } from './texts.ts';

const SIZES = [16, 28, 32, 48, 64];
/** Channels at half the picture's resolution. */
const WIDTHS = { small: 16, usual: 32 } as const;

export interface Wanted extends Pick<NewRun, 'size' | 'width' | 'family' | 'from'> {
  /** Nothing: grey where all pictures are grey, else colour. */
  channels: NewRun['channels'] | undefined;
}

export interface Settings {
  readonly element: HTMLElement;
  read(): Wanted;
  /** What the pictures call for, as long as the person has not chosen otherwise. */
  suggestTransparent(suggested: boolean): void;
  /** The models that can be begun from are those. */
  list(models: readonly ModelEntry[]): void;
}

export function createSettings(changed: () => void, fail: (error: unknown) => void): Settings {
  let from: { name: string; trainer: Uint8Array; channels: NewRun['channels'] } | undefined;
  let entries: readonly ModelEntry[] = [];
  let chosen = false;
  const choice = (id: string, ...options: HTMLOptionElement[]) => h('select', { id, onchange: changed }, ...options);
  const start = h('select', { id: 'make-from', onchange: () => void begin().catch(stay) });
  const note = h('p', { class: 'hint', role: 'status' });
  const size = choice('make-size', ...SIZES.map((side) => sized(side)));
  size.value = '32';
  const family = choice('make-family', ...FAMILIES.map((kind) => h('option', { value: kind }, words(kind))));
  const network = choice(
    'make-network',
    ...(['small', 'usual'] as const).map((kind) => h('option', { value: kind }, words(kind))),
  );
  network.value = 'usual';
  const transparent = h('input', {
    type: 'checkbox',
    onchange: () => {
      chosen = true;
      changed();
    },
  });

  const sizeIs = (manifest: LoadedModel['manifest']): number => manifest.image.width;

  async function begin(): Promise<void> {
    changed();
    const entry = entries.find(({ name }) => name === start.value);
    from = undefined;
    note.textContent = '';
    if (entry === undefined) return lock(false);
    const model = (await keptModel(entry)) ?? (await freshModel(entry));
    const title = modelTitle(entry);
    if (model.readTrainer === undefined) {
      stay();
      note.textContent = words('noTrainer', { name: title });
      return;
    }
    note.textContent = words('fetching', { name: title });
    const { image } = model.manifest;
    from = { name: model.manifest.name, trainer: await model.readTrainer(), channels: image.channels };
    const side = String(sizeIs(model.manifest));
    if (![...size.options].some(({ value }) => value === side)) size.append(sized(sizeIs(model.manifest)));
    [size.value, family.value, transparent.checked] = [side, model.manifest.kind, image.channels === 4];
    lock(true);
    note.textContent = words('goesOn', { name: title });
  }

  /** From nothing after all. */
  function stay(error?: unknown): void {
    start.value = '';
    from = undefined;
    note.textContent = '';
    lock(false);
    if (error !== undefined) fail(error);
  }

  /** A model that is gone on from has its own. */
  function lock(locked: boolean): void {
    for (const control of [size, family, network, transparent]) control.disabled = locked;
  }

  const field = (label: Parameters<typeof words>[0], control: HTMLElement) =>
    h('div', { class: 'field' }, h('label', { for: control.id }, words(label)), control);
  return {
    element: h(
      'div',
      { class: 'settings' },
      field('from', start),
      note,
      field('size', size),
      h('label', { class: 'check' }, transparent, words('transparent')),
      field('family', family),
      field('effort', network),
    ),
    read: () => ({
      size: Number(size.value),
      width: network.value === 'small' ? WIDTHS.small : WIDTHS.usual,
      family: FAMILIES.find((kind) => kind === family.value) ?? FAMILIES[0],
      channels: from?.channels ?? (transparent.checked ? 4 : undefined),
      ...(from && { from: { name: from.name, trainer: from.trainer } }),
    }),
    suggestTransparent(suggested) {
      if (!chosen && from === undefined) transparent.checked = suggested;
    },
    list(models) {
      entries = models.filter(({ bundle, training }) => bundle !== undefined && !training);
      const before = start.value;
      start.replaceChildren(
        h('option', { value: '' }, words('fromNothing')),
        ...entries.map((entry) => h('option', { value: entry.name, dir: 'auto' }, modelTitle(entry))),
      );
      start.value = entries.some(({ name }) => name === before) ? before : '';
    },
  };
}

const sized = (side: number) => h('option', { value: side }, `${side} × ${side}`);
