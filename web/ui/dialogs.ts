// The dialogs Save and Share, for the picture in the large frame.
import { LIMITS } from '../../contract/limits.ts';
import type { Picture } from '../../contract/picture.ts';
import type { LoadedModel } from '../files/models.ts';
import { edgeAddress } from '../pictures/edge.ts';
import type { Point } from '../pictures/point.ts';
import { fileName, pngBlob, svgBlob } from '../pictures/save.ts';
import { opened, writeState } from '../state.ts';
import { type TextKey, t } from '../texts.ts';
import { h } from './dom.ts';
import { copyText, saveBlob } from './files.ts';
import { icon } from './icons.ts';
import type { App } from './view.ts';

export function openDialog(title: string, ...content: (Node | undefined)[]): HTMLDialogElement {
  const close = h(
    'button',
    { class: 'icon-button', 'aria-label': t('close'), onclick: () => dialog.close() },
    icon('close'),
  );
  const heading = h('h2', { id: `dialog-${dialogs++}` }, title);
  const dialog = h(
    'dialog',
    {
      class: 'dialog',
      'aria-labelledby': heading.id,
      onclose: () => dialog.remove(),
      onclick: (event) => outside(event as MouseEvent),
    },
    h('header', { class: 'dialog-head' }, heading, close),
    ...content,
  );
  // A click on the backdrop is a click on the dialog itself, as is one between what is in it.
  function outside({ target, clientX: x, clientY: y }: MouseEvent): void {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    if (target === dialog && (x < left || x > right || y < top || y > bottom)) dialog.close();
  }
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
let dialogs = 0;

export interface Shown {
  point: Point;
  picture: Picture;
  /** The seed that drew a part of it. */
  completedBy: string | undefined;
  model: LoadedModel;
}

export function openSave(
  { point, picture, completedBy, model }: Shown,
  { ground, notify }: Pick<App, 'ground' | 'notify'>,
): void {
  const scales = [1, 4, 8, 16, 32].filter(
    (scale) => scale <= LIMITS.scale && picture.width * picture.height * scale ** 2 <= LIMITS.pixels,
  );
  const size = h('input', {
    id: 'scale',
    type: 'range',
    min: 0,
    max: scales.length - 1,
    step: 1,
    value: Math.min(2, scales.length - 1),
    oninput: label,
  });
  const text = h('output', { for: 'scale', class: 'hint' });
  const scale = () => scales[Number(size.value)] ?? 1;
  function label(): void {
    text.textContent = `${picture.width * scale()} × ${picture.height * scale()}`;
    size.setAttribute('aria-valuetext', text.textContent);
  }
  label();
  const save = (format: 'png' | 'svg') => () => {
    const blob = format === 'png' ? pngBlob : svgBlob;
    void saveBlob(
      blob(ground.forSaving(picture), scale()),
      fileName(point, model.manifest, format, completedBy),
      notify,
    );
  };
  openDialog(
    t('saveTitle'),
    h('div', { class: 'field' }, h('label', { for: 'scale' }, t('scale')), size, text),
    ground.dialogBox,
    h(
      'div',
      { class: 'bar' },
      h('button', { class: 'button strong', onclick: save('png') }, icon('save'), t('saveFile')),
      h('button', { class: 'button', onclick: save('svg') }, icon('save'), t('saveSvg')),
    ),
  );
}

export function openShare({ point, picture, model }: Shown, { ground, state }: Pick<App, 'ground' | 'state'>): void {
  // Of what is in the frame, which the address need not have: a place that was dragged or walked to.
  const hash = writeState(opened(state, point), model.manifest);
  const link = Object.assign(new URL(location.href), { search: '', hash }).href;
  const edge = edgeAddress(point, model);
  openDialog(
    t('shareTitle'),
    shareNow(point, ground.forSaving(picture), model, link),
    copyRow('copyLink', link, 'shareLinkHelp'),
    edge === undefined ? undefined : copyRow('copyEdge', edge, 'shareEdgeHelp'),
    model.own ? h('p', { class: 'hint' }, t('noEdgeOwn')) : undefined,
  );
}

/** The phone's own share sheet, with the picture as a file where it takes files. */
function shareNow(point: Point, picture: Picture, model: LoadedModel, url: string): Node | undefined {
  if (typeof navigator.share !== 'function') return undefined;
  const share = async () => {
    const scale = Math.max(1, Math.round(448 / picture.width));
    const file = new File([pngBlob(picture, scale)], fileName(point, model.manifest, 'png'), { type: 'image/png' });
    const data: ShareData = { title: model.manifest.title, url };
    if (navigator.canShare?.({ ...data, files: [file] })) data.files = [file];
    // Rejects when the person closes the sheet: nothing to do.
    await navigator.share(data).catch(() => undefined);
  };
  return h(
    'div',
    { class: 'bar' },
    h('button', { class: 'button strong', onclick: () => void share() }, icon('share'), t('shareNow')),
  );
}

function copyRow(label: TextKey, text: string, help: TextKey): HTMLElement {
  const box = h('input', { class: 'copy-text', readonly: true, value: text, 'aria-label': t(label) });
  const button = h('button', { class: 'button', onclick: () => void copy() }, t(label));
  async function copy(): Promise<void> {
    const copied = await copyText(text);
    button.textContent = t(copied ? 'copied' : 'copyFailed');
    if (!copied) box.select();
    setTimeout(() => {
      button.textContent = t(label);
    }, 2000);
  }
  return h('div', { class: 'copy' }, h('div', { class: 'copy-row' }, box, button), h('p', { class: 'hint' }, t(help)));
}
