// @pocketgen/client/element: registers <pocket-picture>. Importing it on a server registers nothing.
import { PocketPicture } from './picture-element.ts';

export type { PocketPictureAttributes } from './attributes.ts';
export type { PictureDevice } from './wish.ts';
export { PocketPicture };

declare global {
  interface HTMLElementTagNameMap {
    'pocket-picture': PocketPicture;
  }
}

// Another copy of this package in the same page may have been faster.
if (globalThis.customElements !== undefined && customElements.get('pocket-picture') === undefined)
  customElements.define('pocket-picture', PocketPicture);
