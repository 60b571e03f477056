// The address of the same picture at the edge: a seed's (/v1/images/…) or, found by hand, a latent's (/v1/latents/…). It names the
// version that is open here: a model trained again under its name never gives another picture there.
import { encodeLatent, encodeMix } from '../../contract/compact.ts';
import { versionedName } from '../../contract/version.ts';
import type { LoadedModel } from '../files/models.ts';
import type { Point } from './point.ts';

/** undefined: this site has no endpoint, or the model is a person's own. */
export function edgeAddress(
  point: Point,
  { manifest, own, version }: Pick<LoadedModel, 'manifest' | 'own' | 'version'>,
): string | undefined {
  if (__EDGE__ === 'none' || own) return undefined;
  const base = new URL(__EDGE__, document.baseURI);
  const name = versionedName(manifest.name, version);
  const isSeed = point.kind === 'seed';
  const url = new URL(
    isSeed ? `v1/images/${name}/${encodeURIComponent(point.seed)}.png` : `v1/latents/${name}.png`,
    base,
  );
  if (isSeed) {
    const label = point.class === undefined ? undefined : manifest.classes[point.class];
    if (label !== undefined) url.searchParams.set('class', label);
  } else {
    url.searchParams.set('z', encodeLatent(point.z));
    if (point.classes.length > 0) url.searchParams.set('classes', encodeMix(point.classes));
  }
  if (point.truncation !== (isSeed ? manifest.defaultTruncation : 1))
    url.searchParams.set('truncation', String(point.truncation));
  return url.href;
}
