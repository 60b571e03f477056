// A model that is open: points in, pictures out, through the engine's queue.
import { type Completion, hiddenOf } from '../contract/completer.ts';
import { UserError } from '../contract/errors.ts';
import { LIMITS } from '../contract/limits.ts';
import type { Picture } from '../contract/picture.ts';
import { steps } from '../contract/walk.ts';
import type { Bundle, Engine } from './engine/engine.ts';
import { Dropped } from './engine/queue.ts';
import { named } from './errors.ts';
import { modelPicture, withForms } from './picture.ts';
import { childOf, inputsBetween, inputsOf, type Place } from './places.ts';
import { placeOf, pointOf, randomSeed } from './points.ts';
import type { DeviceReport, DrawnPicture, DrawOptions, Model } from './types.ts';

export function createModel({ manifest, variant }: Bundle, engine: Engine, device: () => DeviceReport): Model {
  const { width, height, channels } = manifest.image;
  const ended = new AbortController();

  function failure(error: unknown, signal: AbortSignal | undefined): unknown {
    for (const one of [ended.signal, signal]) if (one?.aborted) return one.reason;
    return named(error, manifest.name);
  }

  async function drawPlaces(places: readonly Place[], options: DrawOptions): Promise<DrawnPicture[]> {
    ended.signal.throwIfAborted();
    const inputs = places.map(inputsOf);
    const weights = manifest.classes.length === 0 ? [] : inputs.map((input) => input.weights);
    const latents = inputs.map(({ z }) => z);
    const { priority = 'interactive', signal } = options;
    try {
      const pictures = await engine.decode(latents, weights, priority, signal);
      return pictures.map((picture, i) => withForms(picture, { point: pointOf(places[i] as Place, manifest.classes) }));
    } catch (error) {
      throw failure(error, signal);
    }
  }

  /** One batch is drawn while the one before is used. */
  async function* drawAll(
    places: Iterator<Place>,
    options: DrawOptions,
  ): AsyncGenerator<DrawnPicture, void, undefined> {
    const left = new AbortController();
    const { signal } = left;
    const { signal: outer } = options;
    outer?.throwIfAborted();
    outer?.addEventListener('abort', () => left.abort(outer.reason), { once: true, signal });
    function start(): Promise<DrawnPicture[]> | undefined {
      const batch = [...taken(places, Math.min(LIMITS.batch, engine.batchSize()))];
      const drawn = batch.length === 0 ? undefined : drawPlaces(batch, { ...options, signal });
      drawn?.catch(() => undefined); // told when it is waited for; nobody may
      return drawn;
    }
    try {
      let next = start();
      while (next !== undefined) {
        const pictures: DrawnPicture[] = await next;
        next = start();
        for (const picture of pictures) {
          signal.throwIfAborted();
          yield picture;
        }
      }
    } finally {
      left.abort();
    }
  }

  return {
    manifest,
    variant,
    classes: manifest.classes,
    width,
    height,
    channels,
    get device() {
      return device();
    },
    async draw({ signal, priority, ...point } = {}) {
      const [picture] = await drawPlaces([placeOf(point, manifest)], { signal, priority });
      if (picture === undefined) throw new Dropped();
      return picture;
    },
    drawMany: (points, options = {}) =>
      drawAll(
        mapped(points, (point) => placeOf(point, manifest)),
        options,
      ),
    async *walk({ from, to, frames = 24, ...options }) {
      const [a, b] = [placeOf(from, manifest), placeOf(to, manifest)];
      if (!Number.isInteger(frames) || frames < 1)
        throw new UserError(`frames: expected an integer from 1, got ${frames}`);
      const at = mapped(steps(frames), (t): Place => {
        const { z, weights } = inputsBetween(a, b, t);
        return { seed: undefined, latent: z, weights, truncation: 1 };
      });
      yield* drawAll(at, options);
    },
    async mix(a, b, { child = 0, ...options } = {}) {
      const place = childOf(placeOf(a, manifest), placeOf(b, manifest), child);
      const [picture] = await drawPlaces([place], options);
      if (picture === undefined) throw new Dropped();
      return picture;
    },
    async encode(picture, { class: asked, signal } = {}) {
      ended.signal.throwIfAborted();
      signal?.throwIfAborted(); // before anything is downloaded for it
      if (asked === undefined && manifest.classes.length > 0)
        throw new UserError('class: expected what the picture is of, got nothing');
      const place = placeOf({ seed: 0, class: asked, truncation: 1 }, manifest);
      const weights = manifest.classes.length === 0 ? [] : [place.weights];
      const encoded = engine.encode([modelPicture(picture, manifest.image)], weights);
      const [latent] = await unless(encoded, signal, ended.signal).catch((error: unknown) => {
        throw failure(error, signal);
      });
      if (latent === undefined) throw new Dropped();
      return pointOf({ ...place, seed: undefined, latent }, manifest.classes);
    },
    async complete(picture, { mask, seeds = [randomSeed()], class: asked, truncation, signal }) {
      ended.signal.throwIfAborted();
      const given = modelPicture(picture, manifest.image);
      const hidden = hiddenOf(modelPicture(mask, { ...manifest.image, channels: 1 }, 'mask', 0));
      const completions = seeds.map((seed): Completion => {
        const place = placeOf({ seed, class: asked, truncation }, manifest);
        const classWeights = asked === undefined ? new Float32Array(manifest.classes.length) : place.weights;
        return { picture: given, hidden, latent: inputsOf(place).z, classWeights };
      });
      const made: Picture[] = [];
      for (let at = 0; at < completions.length; at += LIMITS.batch) {
        signal?.throwIfAborted();
        const work = engine.complete(completions.slice(at, at + LIMITS.batch));
        const some = await unless(work, signal, ended.signal).catch((error: unknown) => {
          throw failure(error, signal);
        });
        made.push(...some);
      }
      return made.map((one, i) => withForms(one, { seed: seeds[i] ?? 0 }));
    },
    async dispose() {
      ended.abort(new DOMException('the model was disposed', 'AbortError'));
      engine.dispose();
    },
  };
}

function* mapped<A, B>(items: Iterable<A>, each: (item: A) => B): Generator<B, void, undefined> {
  for (const item of items) yield each(item);
}

/** At most `count` more. Unlike a loop, this leaves the rest to be taken later. */
function* taken<T>(items: Iterator<T>, count: number): Generator<T, void, undefined> {
  for (let i = 0; i < count; i++) {
    const { done, value } = items.next();
    if (done) return;
    yield value;
  }
}

/** What `work` gives, or the reason of the first signal that aborts before it does. */
function unless<T>(work: Promise<T>, ...signals: (AbortSignal | undefined)[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    for (const signal of signals) {
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: done.signal });
    }
    work.then(resolve, reject).finally(() => done.abort());
  });
}
