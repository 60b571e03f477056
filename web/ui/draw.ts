// "Put my picture in", loaded when it is first shown or a picture is dropped on the page.
import { createLazy } from './lazy.ts';
import type { App, View } from './view.ts';

export interface DrawView extends View {
  /** A photo or drawing to put in. */
  take(picture: Blob): void;
}

export function createDraw(app: App): DrawView {
  const lazy = createLazy<DrawView>(async () => (await import('../draw/drawing.ts')).createDrawing(app));
  return { ...lazy, take: (picture) => lazy.whenLoaded((view) => view.take(picture)) };
}
