// The class behind <pocket-picture>: attributes become a wish, a wish becomes the edge's <img> or a <canvas> drawn here.
// Importing this file touches nothing of the page: on a server the class has an empty base, and nobody makes one.
import type { DrawnPicture } from '../types.ts';
import { loadImage, versionedModel } from './edge.ts';
import { whenNear } from './near.ts';
import { borrow, isOpen, isSame, type Loan } from './shared.ts';
import { styleSheet } from './style.ts';
import { type Bundle, deviceOf, edgeAddress, readWish, type Wish } from './wish.ts';

const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

const PROPERTIES = [
  'src',
  'edge',
  'model',
  'seed',
  'label',
  'truncation',
  'device',
  'loading',
  'runtime',
  'alt',
] as const;

/**
 * A picture of a pocketgen model by its seed: drawn on the visitor's device, by the edge, or first by the edge and from then on
 * by the device.
 *
 * @tagname pocket-picture
 * @fires {ProgressEvent} progress - The model arrives: bytes `loaded` of `total`, ONNX Runtime's included.
 * @fires {Event} load - A picture is shown. Once more when the device has taken over from the edge.
 * @fires {ErrorEvent} error - No picture can be shown; `message` and `error` say why.
 * @slot - Shown until there is a picture, and where there can be none.
 * @csspart picture - The `<img>` or `<canvas>`.
 */
export class PocketPicture extends Base {
  static readonly observedAttributes: readonly string[] = PROPERTIES;

  /** Address of the bundle: its folder, its model.json or a zip. Left out, the one that the edge publishes. @attr */
  declare src: string;
  /** Address of a pocketgen API. Its picture is shown at once, and the device draws from when the model is there. @attr */
  declare edge: string;
  /** What the edge calls the model: its name, or name@version for pictures that never change. @attr */
  declare model: string;
  /** A number or any text; the same picture for the same seed everywhere. Nothing is drawn without one. @attr */
  declare seed: string;
  /** One of the model's classes. Left out, the seed chooses. (HTML's own `class` belongs to style sheets.) @attr */
  declare label: string;
  /** Above 0, at most 1. Left out, the model's own. @attr */
  declare truncation: number | null;
  /** What may draw here. `none`: the edge alone, and neither model nor runtime is downloaded. @attr */
  declare device: 'auto' | 'wasm' | 'wasm-threads' | 'webgpu' | 'none';
  /** `lazy`: nothing is loaded until the element is about to be seen. @attr */
  declare loading: 'eager' | 'lazy';
  /** Folder of ONNX Runtime's files, where nothing else says where they are. @attr */
  declare runtime: string;
  /** What the picture shows, in words. Empty: it only decorates, and is passed over by screen readers. @attr */
  declare alt: string;

  #internals: ElementInternals;
  #root: ShadowRoot;
  #placeholder: HTMLSlotElement;
  /** Of the wish that is being fulfilled; aborted when another takes its place. */
  #work = new AbortController();
  /** That wish, to know it again. */
  #wished: string | undefined;
  #scheduled = false;
  #complete = true;
  #loan: { bundle: Bundle; loan: Loan } | undefined;
  #drawnBy: 'edge' | 'device' | null = null;
  #picture: DrawnPicture | null = null;

  constructor() {
    super();
    this.#internals = this.attachInternals();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet()];
    this.#root = root;
    this.#placeholder = document.createElement('slot');
    root.append(this.#placeholder);
  }

  /** Whose picture is shown. */
  get drawnBy(): 'edge' | 'device' | null {
    return this.#drawnBy;
  }

  /** The picture shown, if the device drew it: `toBlob()`, `svg()`, `toImageData()`. */
  get picture(): DrawnPicture | null {
    return this.#picture;
  }

  /** Nothing is under way: the picture that was asked for is shown, or cannot be. */
  get complete(): boolean {
    return this.#complete;
  }

  connectedCallback(): void {
    // What a framework has set before the element was defined hides the properties.
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = this[name];
      delete (this as Partial<PocketPicture>)[name];
      Object.assign(this, { [name]: value });
    }
    this.#describe();
    this.#schedule();
  }

  disconnectedCallback(): void {
    this.#schedule();
  }

  attributeChangedCallback(name: string): void {
    if (name === 'alt') this.#describe();
    else this.#schedule();
  }

  /** A named image, or nothing at all to who does not see it. */
  #describe(): void {
    const alt = this.getAttribute('alt');
    this.#internals.role = alt === '' ? 'none' : 'img';
    this.#internals.ariaLabel = alt;
  }

  /** Attributes set one after another are one wish; an element that is only moved keeps its picture. */
  #schedule(): void {
    this.#complete = false;
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      void this.#begin();
    });
  }

  async #begin(): Promise<void> {
    const work = new AbortController();
    const { signal } = work;
    try {
      const wish = this.isConnected ? readWish((name) => this.getAttribute(name), this.baseURI) : undefined;
      const wished = JSON.stringify(wish);
      if (this.#drawnBy !== null && wished === this.#wished) {
        this.#complete = true;
        return;
      }
      this.#wished = wished;
      this.#replaceWork(work);
      if (wish?.bundle === undefined) this.#giveBack();
      if (wish === undefined) return this.#clear();
      if (this.loading === 'lazy') await whenNear(this, signal);
      signal.throwIfAborted(); // another took its place while it was far
      await this.#fulfil(wish, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#replaceWork(work);
      this.#clear();
      const message = error instanceof Error ? error.message : String(error);
      this.dispatchEvent(new ErrorEvent('error', { error, message }));
    }
  }

  #replaceWork(work: AbortController): void {
    if (work !== this.#work) this.#work.abort();
    this.#work = work;
  }

  /** Resolves with the first picture shown. Rejects when nobody can draw it. */
  async #fulfil({ bundle, edge, point }: Wish, signal: AbortSignal): Promise<void> {
    // A model that is open draws at once and without the network. Who saves data is shown the edge's pictures alone.
    const open = bundle !== undefined && isOpen(bundle);
    const onDevice = !open && edge !== undefined && savesData() ? undefined : bundle;
    // Side by side: an edge that never answers keeps nobody waiting. It is left when the device has drawn.
    const asking = new AbortController();
    signal.addEventListener('abort', () => asking.abort(signal.reason), { signal: asking.signal });
    const ways: Promise<void>[] = [];
    if (edge !== undefined && !open) ways.push(this.#showEdge(edge, point, asking.signal));
    if (onDevice !== undefined) ways.push(this.#drawOnDevice(onDevice, point, signal, () => asking.abort()));
    await Promise.any(ways).catch(({ errors }: AggregateError) => {
      throw errors[0];
    });
  }

  async #showEdge(
    { base, model }: NonNullable<Wish['edge']>,
    point: Wish['point'],
    signal: AbortSignal,
  ): Promise<void> {
    const address = edgeAddress(base, await versionedModel(base, model), point);
    const image = await loadImage(address, signal);
    signal.throwIfAborted();
    this.#show(image, 'edge');
  }

  async #drawOnDevice(bundle: Bundle, point: Wish['point'], signal: AbortSignal, onDrawn: () => void): Promise<void> {
    const loan = this.#borrow(bundle);
    const model = await loan.model.catch((error: unknown) => {
      // Not kept: another seed tries again, once those who wait for the same have been told.
      if (this.#loan?.loan === loan) this.#giveBack();
      throw error;
    });
    const picture = await model.draw({ ...point, signal });
    signal.throwIfAborted();
    onDrawn();
    const canvas = this.#root.querySelector('canvas') ?? document.createElement('canvas');
    this.#show(picture.toCanvas(canvas), 'device', picture);
  }

  #borrow(bundle: Bundle): Loan {
    if (this.#loan !== undefined && isSame(this.#loan.bundle, bundle)) return this.#loan.loan;
    const onProgress = (loaded: number, total: number) =>
      this.dispatchEvent(new ProgressEvent('progress', { lengthComputable: true, loaded, total }));
    const loan = borrow(bundle, onProgress);
    this.#giveBack();
    this.#loan = { bundle, loan };
    return loan;
  }

  #giveBack(): void {
    this.#loan?.loan.release();
    this.#loan = undefined;
  }

  #show(
    view: HTMLImageElement | HTMLCanvasElement,
    drawnBy: 'edge' | 'device',
    picture: DrawnPicture | null = null,
  ): void {
    view.part.add('picture');
    // The element itself is the image, or decorates.
    view.ariaHidden = 'true';
    this.#root.replaceChildren(view);
    this.#drawnBy = drawnBy;
    this.#picture = picture;
    this.#complete = true;
    this.dispatchEvent(new Event('load'));
  }

  #clear(): void {
    this.#root.replaceChildren(this.#placeholder);
    this.#drawnBy = null;
    this.#picture = null;
    this.#complete = true;
  }
}

function savesData(): boolean {
  return (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
}

const KNOWN = {
  device: (text: string) => deviceOf(text || undefined) ?? 'auto',
  loading: (text: string) => (text === 'lazy' ? 'lazy' : 'eager'),
  truncation: (text: string) => (text === '' ? null : Number(text)),
};

// Properties reflect attributes; null and undefined take them away.
for (const name of PROPERTIES)
  Object.defineProperty(PocketPicture.prototype, name, {
    get(this: PocketPicture) {
      const text = this.getAttribute(name) ?? '';
      return name in KNOWN ? KNOWN[name as keyof typeof KNOWN](text) : text;
    },
    set(this: PocketPicture, value: unknown) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, String(value));
    },
    configurable: true,
    enumerable: true,
  });
