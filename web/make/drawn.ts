// Pictures for a new model, drawn with a finger: the pad and brushes of "Draw", larger than any model's pictures.
import '../draw/draw.css';
import { WHITE } from '../../contract/background.ts';
import { encodePng } from '../../contract/png.ts';
import { createPad } from '../draw/pad.ts';
import { words as penWords } from '../draw/texts.ts';
import { createBrushTools } from '../draw/tools.ts';
import { isNothing, NOTHING } from '../draw/work.ts';
import { h } from '../ui/dom.ts';
import { words } from './texts.ts';

/** Pixels to a side: pictures are made smaller from it as photos are. */
const SIDE = 128;

/** `take` is given each picture, as a PNG. */
export function createDrawn(take: (picture: Blob) => void): HTMLElement {
  const pad = createPad(
    () => {
      add.disabled = isNothing(pad.work);
    },
    () => undefined,
  );
  const brushes = createBrushTools((brush) => {
    pad.brush = brush;
  });
  const add = h('button', { class: 'button strong', disabled: true, onclick: next }, words('addDrawing'));
  pad.element.setAttribute('aria-label', penWords('pad'));
  pad.reset({ width: SIDE, height: SIDE, channels: 3 }, { fit: 'cover', background: WHITE }, WHITE);
  brushes.reset(3, SIDE, WHITE);

  function next(): void {
    take(new Blob([new Uint8Array(encodePng(pad.picture()))], { type: 'image/png' }));
    pad.change(NOTHING);
  }

  return h('div', { class: 'drawing' }, h('div', { class: 'desk' }, pad.element, brushes.element), add);
}
