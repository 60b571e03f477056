// What <pocket-picture> can be given in markup, for the typings of frameworks; react.ts adds it to React's.
import type { PocketPicture } from './picture-element.ts';

type Reflected = Pick<
  PocketPicture,
  'src' | 'edge' | 'model' | 'label' | 'truncation' | 'device' | 'loading' | 'runtime' | 'alt'
>;

/** Attributes, and listeners under the names of the element's own handler properties. */
export type PocketPictureAttributes = { [Name in keyof Reflected]?: Reflected[Name] | undefined } & {
  seed?: string | number | undefined;
  onload?: ((event: Event) => void) | undefined;
  onprogress?: ((event: ProgressEvent) => void) | undefined;
  onerror?: ((event: ErrorEvent) => void) | undefined;
};
