// From a spec to its networks.
import { residualNetworks } from './residual.ts';
import type { NetworkSpec, Networks } from './spec.ts';
import { stridedNetworks } from './strided.ts';

export function createNetworks(spec: NetworkSpec): Networks {
  switch (spec.family) {
    case 'residual':
      return residualNetworks(spec);
    case 'strided':
      if (!spec.strided) throw new Error('network: expected sizes under `strided` for the strided family');
      if (spec.classes !== 0)
        throw new Error(`network: expected no classes for the strided family, got ${spec.classes}`);
      return stridedNetworks(spec, spec.strided);
    default:
      return spec.family satisfies never;
  }
}
