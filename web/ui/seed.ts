// A box for a seed: a number or any text. What is longer than a seed may be is said, and never cut: it would be another seed.
import { parseSeed } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { t } from '../texts.ts';
import { h } from './dom.ts';

export interface SeedBox {
  readonly element: HTMLInputElement;
  /** What it is elsewhere, unless somebody is typing another. */
  show(seed: string): void;
}

/** `nothing` is the seed of an empty box; `take` is given every seed that is typed. */
export function createSeedBox(props: Record<string, string>, nothing: string, take: (seed: string) => void): SeedBox {
  const plain = { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' };
  const element = h('input', { ...plain, ...props, oninput: typed });

  function typed(): void {
    const seed = element.value || nothing;
    element.setCustomValidity('');
    try {
      parseSeed(seed);
    } catch {
      const given = [...seed].length;
      element.setCustomValidity(t('seedLong', { most: LIMITS.seedCharacters, n: given }));
      element.reportValidity();
      return; // the last one stays
    }
    take(seed);
  }

  return {
    element,
    show(seed) {
      if (document.activeElement === element) return;
      element.value = seed;
      element.setCustomValidity('');
    },
  };
}
