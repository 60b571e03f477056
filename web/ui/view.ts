// What a view (wall, explorer, …) is, and what the page gives it.

import type { Priority } from '../../client/engine/queue.ts';
import type { Completion } from '../../contract/completer.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import type { LoadedModel } from '../files/models.ts';
import type { Inputs, Point } from '../pictures/point.ts';
import type { State } from '../state.ts';
import type { TextKey } from '../texts.ts';
import type { Given } from './files.ts';
import type { Ground } from './ground.ts';

export type History = 'push' | 'replace';

export interface App {
  readonly model: LoadedModel;
  readonly manifest: Manifest;
  readonly state: State;
  /** What pictures lie on. */
  readonly ground: Ground;
  set(patch: Partial<State>, history?: History): void;
  /** Makes a point the large picture; a seed brings its class and truncation along. */
  open(point: Point, history?: History): void;
  /** Shows a point in the large frame without choosing it (dragging, walking); `completedBy` is the seed that drew a part of the picture. */
  preview(point: Point, picture: Picture, completedBy?: string): void;
  make(inputs: readonly Inputs[], priority: Priority): Promise<Picture[]>;
  /** The latent that draws a picture of the model's size again; the first call downloads and starts the encoder. */
  encode(picture: Picture, classWeights: Float32Array): Promise<Float32Array>;
  /** Pictures with a part drawn anew; the first call downloads and starts the completer. */
  complete(completions: readonly Completion[]): Promise<Picture[]>;
  /** Goes to where a part of a picture is rubbed out, with this one. */
  rubOut(picture: Picture): void;
  /** Pictures in one batch. */
  batchSize(): number;
  dropBackground(): void;
  /** A short message that goes away by itself, unless it has an action, or the focus or the pointer is on it. */
  notify(text: string, action?: { label: TextKey; run: () => void }): void;
  fail(error: unknown): void;
}

export interface View {
  readonly element: HTMLElement;
  /**
   * Shown, or the state changed while shown. `changed` names what did; everything when just shown. With `model` the engine was started
   * anew: what it had not made is dropped.
   */
  update(changed: ReadonlySet<keyof State>): void;
  /** The model has newer weights: draws what is shown again, in place, each picture over the one before. */
  refresh(): void;
  /** No longer shown. */
  leave?(): void;
}

/** A view that takes pictures which are dropped or pasted while it is shown. */
export interface TakingView extends View {
  /** Gives back those that are a bundle. */
  take(files: readonly Given[]): Promise<readonly Given[]>;
}

/** A seed nobody has asked for yet. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

export function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
