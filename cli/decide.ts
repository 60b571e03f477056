// What `pocketgen start` does with what it found under a name: serve it, train, or refuse. Reads nothing, so that every case is a
// line of a table (tests/fast/start-decide.test.ts).
import type { Training } from '../contract/training.ts';

/** What lies under a model's name; whatever is there is of this very model. */
export interface Found {
  /** The run folder's. */
  readonly run?: {
    /** Images it is planned for. */
    readonly planned: number;
  };
  /** The bundle folder's. */
  readonly bundle?: {
    /** Images that its generator had seen: a better one on the way may be in it. */
    readonly images: number;
  };
  /** What training.json beside the bundle says. */
  readonly training?: Pick<Training, 'state' | 'images'>;
}

export interface Place {
  readonly name: string;
  /** Folders. */
  readonly bundle: string;
  readonly run: string;
  readonly found: Found;
}

/** What the command line asks for. */
export interface Wish {
  /** To train on in all. */
  readonly images?: number | undefined;
  /** Of this session. */
  readonly minutes?: number | undefined;
}

export type Decision =
  | {
      readonly kind: 'serve';
      /** That the bundle's training took. */
      readonly images: number;
    }
  | {
      readonly kind: 'train';
      /** In all; undefined where the speed of this machine is to tell. */
      readonly images: number | undefined;
    }
  | {
      readonly kind: 'refuse';
      /** In a sentence for the user. */
      readonly why: string;
    };

export function decide({ run: dir, found: { run, bundle, training } }: Place, { images, minutes }: Wish): Decision {
  const trained = bundle && (training?.images ?? bundle.images);
  const finished = trained !== undefined && (run === undefined || training?.state === 'finished');
  // What was trained, not what was planned: its minutes may have been over before.
  const longer = (images ?? 0) > (trained ?? 0) || (minutes !== undefined && (trained ?? 0) < (run?.planned ?? 0));
  if (finished && !longer) return { kind: 'serve', images: trained };
  if (images !== undefined && run && images < run.planned)
    return {
      kind: 'refuse',
      why: `images: expected at least ${run.planned}, for which ${dir} is planned, got ${images}; leave it out or take another --name`,
    };
  return { kind: 'train', images: images ?? run?.planned };
}
