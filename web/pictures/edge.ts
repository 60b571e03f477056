// The address of the same picture at the image endpoint (/v1/images/…), which knows seeds of the shipped models. It names the
// version that is open here: a model trained again under its name never gives another picture there.
import { versionedName } from '../../contract/version.ts';
import type { LoadedModel } from '../files/models.ts';
import type { Point } from './point.ts';

/** undefined: this site has no endpoint, the model is a person's own, or the picture has no seed. */
export function edgeAddress(point: Point, model: LoadedModel): string | undefined {
  if (__EDGE__ === 'none' || model.own || point.kind !== 'seed') return undefined;
  const base = new URL(__EDGE__, document.baseURI);
  const name = versionedName(model.manifest.name, model.version);
  const url = new URL(`v1/images/${name}/${encodeURIComponent(point.seed)}.png`, base);
  const label = point.class === undefined ? undefined : model.manifest.classes[point.class];
  if (label !== undefined) url.searchParams.set('class', label);
  if (point.truncation !== model.manifest.defaultTruncation)
    url.searchParams.set('truncation', String(point.truncation));
  return url.href;
}
