// `loading="lazy"`: one observer for all elements of the page.

/** Pictures begin to load when they are this near to the part of the page that is seen, as images do. */
const MARGIN = '400px';

const waiting = new WeakMap<Element, () => void>();
let observer: IntersectionObserver | undefined;

/** Resolves once `element` is about to be seen; never, if `signal` aborts before. */
export function whenNear(element: Element, signal: AbortSignal): Promise<void> {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) waiting.get(target)?.();
    },
    { rootMargin: MARGIN },
  );
  const watch = observer;
  return new Promise((resolve) => {
    const stop = () => {
      watch.unobserve(element);
      waiting.delete(element);
    };
    waiting.set(element, () => {
      stop();
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
    watch.observe(element);
  });
}
