// Files from the person, chosen or dropped, and to them: a download, or the share sheet where downloads lead nowhere.
import { isStandalone } from '../offline/install.ts';
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { App } from './view.ts';

/** A file that was chosen or dropped, and its path in the folder that was; its name, or '', where none was. */
export interface Given {
  readonly file: File;
  readonly path: string;
}

/** An input to be opened by a button's click(). */
export function fileInput(
  props: Record<string, string | boolean | undefined>,
  take: (files: readonly Given[]) => void,
): HTMLInputElement {
  const input = h('input', { type: 'file', hidden: true, ...props, onchange: chosen });
  function chosen(): void {
    const files = [...(input.files ?? [])];
    input.value = ''; // the same ones can be chosen again
    take(files.map((file) => ({ file, path: file.webkitRelativePath })));
  }
  return input;
}

/**
 * On a phone's home screen a page has no downloads to speak of: the share sheet saves to photos and files there. It opens for
 * a tap only, which counts for some seconds: what took longer to make asks for one more.
 */
export async function saveBlob(blob: Blob, name: string, notify: App['notify']): Promise<void> {
  const files = [new File([blob], name, { type: blob.type })];
  const touch = matchMedia('(pointer: coarse)').matches;
  if (!touch || !isStandalone() || navigator.canShare?.({ files }) !== true) return download(blob, name);
  if (navigator.userActivation?.isActive === false)
    return notify(t('fileReady', { name }), { label: 'save', run: () => void saveBlob(blob, name, notify) });
  try {
    await navigator.share({ files });
  } catch (error) {
    const closed = error instanceof DOMException && error.name === 'AbortError';
    if (!closed) download(blob, name);
  }
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** False where the browser has no clipboard or refuses: the caller shows the text instead. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
