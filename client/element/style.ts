// The element's box is its own, whatever is in it: nothing on the page moves when the picture comes.

const CSS = `
:host { display: inline-block; width: 128px; aspect-ratio: 1; vertical-align: middle; overflow: clip; image-rendering: pixelated }
:host([hidden]) { display: none }
slot, [part] { display: block; width: 100%; height: 100%; object-fit: contain; image-rendering: inherit }
`;

let sheet: CSSStyleSheet | undefined;

/** One for all elements; a constructed sheet, which a page's Content-Security-Policy lets pass. */
export function styleSheet(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
