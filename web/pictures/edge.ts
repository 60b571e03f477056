// The address of the same picture at the image endpoint (/v1/images/…), which knows seeds of the shipped models.
import type { LoadedModel } from '../files/models.ts';
import type { Point } from './point.ts';

/** undefined: this site has no endpoint, the model is a person's own, or the picture has no seed. */
export function edgeAddress(point: Point, model: LoadedModel): string | undefined {
  if (__EDGE__ === 'none' || model.own || point.kind !== 'seed') return undefined;
  const base = new URL(__EDGE__, document.baseURI);
  const url = new URL(`v1/images/${model.manifest.name}/${encodeURIComponent(point.seed)}.png`, base);
  const label = point.class === undefined ? undefined : model.manifest.classes[point.class];
  if (label !== undefined) url.searchParams.set('class', label);
  if (point.truncation !== model.manifest.defaultTruncation)
    url.searchParams.set('truncation', String(point.truncation));
  return url.href;
}
