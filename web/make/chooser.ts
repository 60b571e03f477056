// What a new model is made of: its name, pictures by class, size and network; and how long that will take here.
import { UserError } from '../../contract/errors.ts';
import type { ModelEntry } from '../files/models.ts';
import type { NewRun, Outlook } from '../train/protocol.ts';
import { h } from '../ui/dom.ts';
import { fileInput, type Given } from '../ui/files.ts';
import { iconButton } from '../ui/icons.ts';
import { duration, number } from './numbers.ts';
import { areMostlyTransparent, type Brought, bring, bundleIn, readAll } from './pictures.ts';
import { createSettings } from './settings.ts';
import { words } from './texts.ts';

interface Chosen {
  /** Times some steps. */
  measure(run: NewRun): Promise<Outlook>;
  begin(run: NewRun, images: number): Promise<void>;
  fail(error: unknown): void;
}

const FEWEST = 4;
/** Of each class, so many are shown. */
const SHOWN = 10;

export interface Chooser {
  readonly element: HTMLElement;
  /** The models that can be begun from. */
  list(models: readonly ModelEntry[]): void;
  /** Adds them but for those that are a bundle, which it gives back. */
  take(files: readonly Given[]): Promise<readonly Given[]>;
}

export function createChooser({ measure, begin, fail }: Chosen): Chooser {
  let brought: readonly Brought[] = [];
  /** What is under way that an outlook waits for, or that is one. */
  let underWay = 0;
  /** Aborted when what is looked at is no longer what is chosen. */
  let looking = new AbortController();
  const name = h('input', { id: 'make-name', value: words('nameFirst'), maxlength: 60, dir: 'auto' });
  const label = h('input', { id: 'make-class', maxlength: 60, dir: 'auto' });
  const settings = createSettings(forget, fail);
  const classes = h('ul', { class: 'made-of' });
  const status = h('p', { class: 'hint', role: 'status' });
  const desk = h('div', { hidden: true });
  const drawing = h('button', { class: 'button', onclick: () => void openDesk() }, words('draw'));
  const start = h('button', { class: 'button strong', onclick: () => void during(look) }, words('measure'));
  const choices = h('div', { class: 'bar' });

  /** An outlook is of what was chosen when it was asked for, there already or not. */
  function forget(): void {
    looking.abort();
    status.textContent = '';
    choices.replaceChildren();
    allow();
  }

  function allow(): void {
    start.disabled = underWay > 0 || settings.read() === undefined;
  }

  async function during(work: () => Promise<void>): Promise<void> {
    underWay += 1;
    forget();
    try {
      await work();
    } catch (error) {
      fail(error);
    } finally {
      underWay -= 1;
      allow();
    }
  }

  function picker(text: string, props: Record<string, string | boolean>): HTMLElement {
    const input = fileInput(props, (files) => void add(files));
    return h('span', {}, input, h('button', { class: 'button', onclick: () => input.click() }, text));
  }

  /** Loaded when it is wanted. */
  async function openDesk(): Promise<void> {
    desk.hidden = !desk.hidden;
    drawing.setAttribute('aria-expanded', String(!desk.hidden));
    if (desk.childElementCount > 0) return;
    try {
      const { createDrawn } = await import('./drawn.ts');
      desk.replaceChildren(
        createDrawn((blob) => void during(() => change([...brought, { blob, label: label.value.trim() }]))),
      );
    } catch (error) {
      desk.hidden = true;
      fail(error);
    }
  }

  const add = (files: readonly Given[]): Promise<void> =>
    during(async () => {
      const more = await bring(files, label.value.trim());
      if (more.length === 0) throw new UserError(words('unread', { n: files.length }));
      // To those there are now: others may have come or gone meanwhile.
      await change([...brought, ...more]);
    });

  async function change(pictures: readonly Brought[]): Promise<void> {
    brought = pictures;
    forget();
    show();
    const suggested = await areMostlyTransparent(pictures);
    if (pictures === brought) settings.suggestTransparent(suggested);
  }

  function show(): void {
    for (const image of classes.querySelectorAll('img')) URL.revokeObjectURL(image.src);
    const names = [...new Set(brought.map((one) => one.label))];
    classes.replaceChildren(
      ...names.map((one) => {
        const own = brought.filter((picture) => picture.label === one);
        const shown = one || words('unnamed');
        const remove = words('removeClass', { name: shown });
        const pictures = own.slice(0, SHOWN).map(({ blob }) => h('img', { src: URL.createObjectURL(blob), alt: '' }));
        return h(
          'li',
          {},
          h('span', { dir: 'auto' }, words('count', { name: shown, n: number(own.length) })),
          iconButton('close', remove, () => void leaveOut(one)),
          h('div', { class: 'row' }, ...pictures),
        );
      }),
    );
  }

  const leaveOut = (one: string): Promise<void> =>
    during(() => change(brought.filter((picture) => picture.label !== one)));

  async function look(): Promise<void> {
    looking = new AbortController();
    const { signal } = looking;
    function say(text: string): void {
      signal.throwIfAborted();
      status.textContent = text;
    }
    const wanted = settings.read();
    if (wanted === undefined) return;
    if (brought.length < FEWEST) return say(words('few', { n: FEWEST }));
    try {
      const { channels, ...rest } = wanted;
      const { unread, ...pictures } = await readAll(brought, rest.size, channels, (n) =>
        say(words('reading', { n: n + 1, all: brought.length })),
      );
      if (pictures.labels.length === 0) throw new UserError(words('unread', { n: unread }));
      const run = (): NewRun => ({ name: name.value.trim() || words('nameFirst'), ...rest, ...pictures });
      say(words('measuring'));
      const { first, good, imagesPerSecond } = await measure(run());
      const facts = { n: number(pictures.labels.length), size: rest.size, speed: number(imagesPerSecond) };
      const sentence = words('outlook', { ...facts, first: duration(first.seconds), good: duration(good.seconds) });
      say(unread > 0 ? `${sentence} ${words('unread', { n: unread })}` : sentence);
      const begins = (kind: 'toFirst' | 'toGood', images: number) =>
        h(
          'button',
          {
            class: kind === 'toFirst' ? 'button strong' : 'button',
            onclick: () => {
              forget(); // a second tap would begin a second one
              void begin(run(), images); // under the name that it has now
            },
          },
          words(kind),
        );
      choices.replaceChildren(begins('toFirst', first.images), begins('toGood', good.images));
    } catch (error) {
      status.textContent = signal.aborted ? words('changed') : '';
      if (!signal.aborted) throw error;
    }
  }

  async function take(files: readonly Given[]): Promise<readonly Given[]> {
    const bundle = await bundleIn(files);
    const rest = files.filter((one) => !bundle.includes(one));
    if (rest.length > 0) await add(rest);
    return bundle;
  }

  const element = h(
    'section',
    { class: 'part making-new' },
    h('div', { class: 'field' }, h('label', { for: name.id }, words('name')), name),
    h('div', { class: 'field' }, h('label', { for: label.id }, words('className')), label),
    h(
      'div',
      { class: 'bar' },
      picker(words('addFiles'), { accept: 'image/*', multiple: true }),
      picker(words('addPhoto'), { accept: 'image/*', capture: 'environment' }),
      picker(words('addFolder'), { webkitdirectory: true }),
      picker(words('addZip'), { accept: '.zip,application/zip' }),
      drawing,
    ),
    desk,
    h('p', { class: 'hint' }, words('folders')),
    classes,
    settings.element,
    h('div', { class: 'bar' }, start),
    status,
    choices,
  );
  return { element, list: settings.list, take };
}
