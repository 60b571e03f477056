// What a new model is to be: begun from nothing or from another model, its size, what is trained and how large, and whether what is
// around things is transparent.
import { freshModel, keptModel, type ModelEntry } from '../files/models.ts';
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
  /** Nothing while what it goes on from is being fetched. */
  read(): Wanted | undefined;
  /** What the pictures call for, as long as the person has not chosen otherwise. */
  suggestTransparent(suggested: boolean): void;
  /** The models that can be begun from are those. */
  list(models: readonly ModelEntry[]): void;
}

/** `changed` is told of everything that makes `read` give something else. */
export function createSettings(changed: () => void, fail: (error: unknown) => void): Settings {
  let from: { name: string; trainer: Uint8Array; channels: NewRun['channels'] } | 'fetching' | undefined;
  /** Choices of what to begin with, so far: the last one holds, whichever was fetched first. */
  let turns = 0;
  let entries: readonly ModelEntry[] = [];
  let chosen = false;
  const choice = (id: string, ...options: HTMLOptionElement[]) => h('select', { id, onchange: changed }, ...options);
  const start = h('select', { id: 'make-from', onchange: () => void begin() });
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

  async function begin(): Promise<void> {
    const turn = ++turns;
    const entry = entries.find(({ name }) => name === start.value);
    if (entry === undefined) return stay();
    const name = modelTitle(entry);
    become('fetching', words('fetching', { name }));
    try {
      const model = (await keptModel(entry)) ?? (await freshModel(entry));
      const trainer = await model.readTrainer?.();
      if (turn !== turns) return;
      if (trainer === undefined) return stay(words('noTrainer', { name }));
      const { image, kind, name: own } = model.manifest;
      if (![...size.options].some(({ value }) => Number(value) === image.width)) size.append(sized(image.width));
      [size.value, family.value, transparent.checked] = [String(image.width), kind, image.channels === 4];
      become({ name: own, trainer, channels: image.channels }, words('goesOn', { name }));
    } catch (error) {
      if (turn !== turns) return;
      stay();
      fail(error);
    }
  }

  /** From nothing, after all or again. */
  function stay(why = ''): void {
    start.value = '';
    become(undefined, why);
  }

  function become(next: typeof from, told: string): void {
    from = next;
    note.textContent = told;
    lock(next !== undefined);
    changed();
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
    read() {
      if (from === 'fetching') return undefined;
      return {
        size: Number(size.value),
        width: network.value === 'small' ? WIDTHS.small : WIDTHS.usual,
        family: FAMILIES.find((kind) => kind === family.value) ?? FAMILIES[0],
        channels: from?.channels ?? (transparent.checked ? 4 : undefined),
        ...(from && { from: { name: from.name, trainer: from.trainer } }),
      };
    },
    suggestTransparent(suggested) {
      if (chosen || from !== undefined || transparent.checked === suggested) return;
      transparent.checked = suggested;
      changed();
    },
    list(models) {
      entries = models.filter(({ bundle, training }) => bundle !== undefined && !training);
      const before = start.value;
      start.replaceChildren(
        h('option', { value: '' }, words('fromNothing')),
        ...entries.map((entry) => h('option', { value: entry.name, dir: 'auto' }, modelTitle(entry))),
      );
      start.value = entries.some(({ name }) => name === before) ? before : '';
      if (start.value !== before) void begin(); // the one it was to go on from is gone
    },
  };
}

const sized = (side: number) => h('option', { value: side }, `${side} × ${side}`);
