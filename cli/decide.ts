// What `pocketgen start` does with what it found under a name: serve it, train, or refuse. Reads nothing, so that every case is a
// line of a table (tests/fast/start-decide.test.ts).
import type { Training } from '../contract/training.ts';

/** What lies under a model's name; whatever is there is of this very model. */
export interface Found {
  /** The run folder's. */
  readonly run?: {
    /** Images it is planned for. */
    readonly planned: number;
    /** Images at its newest checkpoint; 0 where there is none. */
    readonly trained: number;
    readonly batch: number;
  };
  /** The bundle folder's. */
  readonly bundle?: {
    /** Images that its generator had seen: a better one on the way may be in it. */
    readonly images: number;
    /** Whether it is a snapshot that a training left on its way. */
    readonly interim: boolean;
    /** Whether it has what `train --from` goes on from. */
    readonly trainer: boolean;
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
      /** In a sentence for the user. */
      readonly why: string;
    }
  | {
      readonly kind: 'train';
      /** Images that the run has been trained on. */
      readonly from: number;
      /** In all; undefined where the speed of this machine is to tell. */
      readonly images: number | undefined;
    }
  | {
      readonly kind: 'refuse';
      readonly why: string;
    };

/**
 * A bundle that is whole is served as it is, whoever exported it, unless more is asked for; what is asked for goes on from the run or not
 * at all, so that a training from nothing never takes the place of a bundle.
 */
export function decide(place: Place, wish: Wish): Decision {
  const { run, bundle, training } = place.found;
  const { images, minutes } = wish;
  const from = run?.trained ?? 0;
  if (bundle) {
    const trained = Math.max(from, bundle.images, training?.images ?? 0);
    const more = images === undefined ? minutes !== undefined : images > trained;
    // A snapshot may be newer than the newest checkpoint.
    const goesOn = run !== undefined && (bundle.interim || from >= bundle.images);
    const stopped = run !== undefined && training !== undefined && training.state !== 'finished' && from < run.planned;
    const whole = !bundle.interim && !stopped;
    if (!more && (whole || !goesOn)) return { kind: 'serve', why: servedAs(place, wish, trained, goesOn) };
    if (!goesOn) return { kind: 'refuse', why: withoutRun(place, wish) };
  }
  // Whole batches are trained on.
  if (run && images !== undefined && Math.ceil(images / run.batch) * run.batch < from)
    return {
      kind: 'refuse',
      why: `images: expected at least ${from}, which ${place.run} has been trained on, got ${images}; leave it out or take another --name`,
    };
  return { kind: 'train', from, images: images ?? (minutes === undefined ? run?.planned : undefined) };
}

function servedAs(
  { bundle, run: dir, found: { run } }: Place,
  { minutes }: Wish,
  trained: number,
  goesOn: boolean,
): string {
  const made = `${bundle}: made from these pictures with these options (${trained} images)`;
  if (minutes !== undefined) return `${made}; name more --images for --minutes to have an effect`;
  if (!goesOn || !run || run.planned <= trained) return made;
  return `${made}; ${dir} is planned for more, to which --images ${run.planned} goes on`;
}

function withoutRun({ bundle, run: dir, found }: Place, { images, minutes }: Wish): string {
  const { run, bundle: { images: seen = 0, trainer = false } = {} } = found;
  const [flag, value] = images === undefined ? ['minutes', minutes] : ['images', images];
  return (
    `${flag}: expected ${dir} to go on from, after the ${seen} images of ${bundle} or more, ` +
    `got ${run && run.trained > 0 ? `one after ${run.trained}` : 'none'} for ${flag} ${value}; ` +
    `put that run back, leave --${flag} out, or begin anew under another --name` +
    (trainer ? `; pocketgen train --from ${bundle} goes on from its trainer file` : '')
  );
}
