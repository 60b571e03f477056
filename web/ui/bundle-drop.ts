// Bring your own bundle: drop a folder or zip anywhere on the page, or choose one. It is checked and stays here. A picture that
// is dropped or pasted goes to the model that is shown.
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
  /** Whether the model takes pictures. */
  wanted(): boolean;
  take(picture: Blob): void;
}

export function createBundleDrop(
  app: Pick<App, 'notify'>,
  added: (name: string) => Promise<void>,
  pictures: PictureDrop,
): BundleDrop {
  const words = h('p');
  const overlay = h('div', { class: 'drop', hidden: true }, words);
  const isPicture = ({ type }: { type: string }) => type.startsWith('image/') && pictures.wanted();

  async function take(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    try {
      const bundle = await readBundle(files);
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
      void take(files.map(({ file }) => file));
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
    const [dropped, ...more] = event.dataTransfer.files;
    if (dropped !== undefined && more.length === 0 && isPicture(dropped)) return pictures.take(dropped);
    // Entries must be taken before the first await: the list empties itself after the event.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
    void Promise.all(entries.map(filesOf)).then((lists) => take(lists.flat()));
  });

  window.addEventListener('paste', ({ clipboardData }) => {
    const picture = [...(clipboardData?.files ?? [])].find(isPicture);
    if (picture !== undefined) pictures.take(picture);
  });

  return { open, overlay };
}

async function filesOf(entry: FileSystemEntry | null): Promise<File[]> {
  if (entry === null) return [];
  if (entry.isFile) {
    const file = entry as FileSystemFileEntry;
    return [await new Promise<File>((resolve, reject) => file.file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const list = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  return (await Promise.all(list.map(filesOf))).flat();
}
