// What this device has of all that a visit without a network needs, as the page says it: under the picture, and when the network goes.
import type { RuntimeBuild } from '../../client/files/runtime.ts';
import type { LoadedModel } from '../files/models.ts';
import { isFull } from '../files/store.ts';
import { t } from '../texts.ts';
import type { Shell } from '../ui/shell.ts';
import { type Readiness, readiness } from './offline.ts';

export interface Here {
  /** undefined before it is known what is needed. */
  parts(): Promise<Readiness | undefined>;
  show(): Promise<void>;
  /** The network has gone. */
  sayOffline(): Promise<void>;
}

/** `needed`: the runtime that is in use and the model that is shown. */
export function createHere(
  needed: () => { build: RuntimeBuild; model: LoadedModel } | undefined,
  shell: Pick<Shell, 'showReady' | 'notify'>,
): Here {
  /** Whether it was said that this device has no room. */
  let saidFull = false;

  async function parts(): Promise<Readiness | undefined> {
    const both = needed();
    return both && readiness(both.build, both.model);
  }

  return {
    parts,
    async show() {
      const found = await parts();
      if (found === undefined) return;
      shell.showReady(found.ready);
      if (isFull() && !saidFull) shell.notify(t('noRoom'));
      saidFull = isFull();
    },
    async sayOffline() {
      shell.notify(t((await parts())?.ready === true ? 'noNetwork' : 'noNetworkYet'));
    },
  };
}
