// Bring your own bundle: drop a folder or zip anywhere on the page, or choose one. It is checked and stays here.
import { readBundle } from '../../client/files/bundle.ts';
import { keepOwn } from '../files/own.ts';
import { t } from '../texts.ts';
import { openDialog } from './dialogs.ts';
import { h } from './dom.ts';
import { plainWords, whyNotKept } from './panels.ts';
import type { App } from './view.ts';

export interface BundleDrop {
  /** Asks for a zip or a folder. */
  open(): void;
  /** Covers the page while something is dragged over it. */
  readonly overlay: HTMLElement;
}

export function createBundleDrop(app: App, added: (name: string) => Promise<void>): BundleDrop {
  const overlay = h('div', { class: 'drop', hidden: true }, h('p', {}, t('dropHere')));

  async function take(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    try {
      const { manifest, network } = await readBundle(files);
      const { entry, kept } = await keepOwn(manifest, network);
      if (kept) void navigator.storage?.persist?.().catch(() => false);
      await added(entry.name);
      app.notify(t(kept ? 'bundleKept' : 'bundleHere', { name: manifest.title, reason: whyNotKept() }));
    } catch (error) {
      app.notify(plainWords(error));
    }
  }

  function open(): void {
    const zip = h('input', { type: 'file', accept: '.zip,application/zip', hidden: true, onchange: chosen });
    const folder = h('input', { type: 'file', webkitdirectory: true, hidden: true, onchange: chosen });
    function chosen(event: Event): void {
      const input = event.target as HTMLInputElement;
      dialog.close();
      void take([...(input.files ?? [])]);
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
    overlay.hidden = false;
  });
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) overlay.hidden = true;
  });
  window.addEventListener('drop', (event) => {
    event.preventDefault();
    overlay.hidden = true;
    // Entries must be taken before the first await: the list empties itself after the event.
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
    void Promise.all(entries.map(filesOf)).then((lists) => take(lists.flat()));
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
