// @pocketgen/client/element/react: <pocket-picture> in TSX. Types only: `import type {} from '@pocketgen/client/element/react'`.
import type * as React from 'react';
import type { PocketPictureAttributes } from './attributes.ts';
import type { PocketPicture } from './picture-element.ts';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      // React hands listeners of custom elements on under the event's own name: onload, not onLoad.
      'pocket-picture': PocketPictureAttributes &
        Omit<
          React.DetailedHTMLProps<React.HTMLAttributes<PocketPicture>, PocketPicture>,
          'onLoad' | 'onProgress' | 'onError'
        >;
    }
  }
}
