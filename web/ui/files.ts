// Handing a file to the person: a download, or the share sheet where downloads lead nowhere.
import { isStandalone } from '../offline/install.ts';
import { t } from '../texts.ts';
import { h } from './dom.ts';
import type { App } from './view.ts';

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
