// Bring your own bundle: drop a folder or zip anywhere on the page, or choose one. It is checked and stays here. Pictures that
// are dropped or pasted go to the model that is shown, or to the one that is being made.
import { readBundle } from '../../client/files/bundle.ts';
import { keepOwn } from '../files/own.ts';
import { t } from '../texts.ts';
import { openDialog } from './dialogs.ts';
import { h } from './dom.ts';
import { fileInput, type Given } from './files.ts';
import { plainWords, whyNotKept } from './panels.ts';
import type { App } from './view.ts';

export interface BundleDrop {
  /** Asks for a zip or a folder. */
  open(): void;
  /** Covers the page while something is dragged over it. */
  readonly overlay: HTMLElement;
}

export interface PictureDrop {
  /** Whether there is something that takes pictures. */
  wanted(): boolean;
  /** Gives back what is none for it: a bundle, or what should be one. */
  take(files: readonly Given[]): Promise<readonly Given[]>;
}

export function createBundleDrop(
  app: Pick<App, 'notify'>,
  added: (name: string) => Promise<void>,
  pictures: PictureDrop,
): BundleDrop {
  const words = h('p');
  const overlay = h('div', { class: 'drop', hidden: true }, words);
  const isPicture = ({ type }: { type: string }) => type.startsWith('image/') && pictures.wanted();

  async function take(files: readonly Given[]): Promise<void> {
    if (files.length === 0) return;
    try {
      const bundle = await readBundle(files.map(({ file }) => file));
      const { manifest } = bundle;
      const { entry, kept } = await keepOwn(bundle);
      if (kept) void navigator.storage?.persist?.().catch(() => false);
      await added(entry.name);
      app.notify(t(kept ? 'bundleKept' : 'bundleHere', { name: manifest.title, reason: whyNotKept() }));
    } catch (error) {
      app.notify(plainWords(error));
    }
  }

  function open(): void {
    const zip = fileInput({ accept: '.zip,application/zip' }, chosen);
    const folder = fileInput({ webkitdirectory: true }, chosen);
    function chosen(files: readonly Given[]): void {
      dialog.close();
      void take(files);
    }
    const dialog = openDialog(
      t('addBundle'),
      h('p', {}, t('addBundleHelp')),
      zip,
      folder,
      h(
        'div',
        { class: 'bar' },
        h('button', { class: 'button strong', onclick: () => zip.click() }, t('chooseZip')),
        h('button', { class: 'button', onclick: () => folder.click() }, t('chooseFolder')),
      ),
    );
  }

  window.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    words.textContent = t([...event.dataTransfer.items].some(isPicture) ? 'dropPicture' : 'dropHere');
    overlay.hidden = false;
  });
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) overlay.hidden = true;
  });
  window.addEventListener('drop', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return; // words, into a text box
    event.preventDefault();
    overlay.hidden = true;
    // Before the first await: the list empties itself after the event. A picture of another page is a file with no entry.
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
    void dropped(items);
  });

  async function dropped(items: readonly (FileSystemEntry | File | null)[]): Promise<void> {
    try {
      await take(await pictures.take((await Promise.all(items.map(filesOf))).flat()));
    } catch (error) {
      app.notify(plainWords(error));
    }
  }

  window.addEventListener('paste', ({ clipboardData }) => {
    const pasted = [...(clipboardData?.files ?? [])].filter(isPicture);
    if (pasted.length > 0) void pictures.take(pasted.map((file) => ({ file, path: '' })));
  });

  return { open, overlay };
}

async function filesOf(item: FileSystemEntry | File | null): Promise<Given[]> {
  if (item === null) return [];
  if (item instanceof File) return [{ file: item, path: '' }];
  if (item.isFile) {
    const entry = item as FileSystemFileEntry;
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.slice(1) }];
  }
  const reader = (item as FileSystemDirectoryEntry).createReader();
  const read = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  const inside: FileSystemEntry[] = [];
  // Some at a time, a hundred in Chromium; none when those were all.
  for (let some = await read(); some.length > 0; some = await read()) inside.push(...some);
  return (await Promise.all(inside.map(filesOf))).flat();
}
