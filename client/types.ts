// What the library takes and gives. `open` (open.ts) turns a source into a Model, a Model draws Pictures.
import type { Manifest, Variant } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import type { Choice, Verdict } from './engine/ladder.ts';
import type { Provider } from './engine/protocol.ts';
import type { RuntimeBuild } from './files/runtime.ts';

/**
 * Where a bundle is: the address of its folder, of its model.json or of a zip of it (relative ones are of the document or
 * worker; `file:` works in Node, Deno and Bun); a zip or the files of the folder that a person chose; or a zip's bytes.
 */
export type Source = string | URL | Blob | readonly File[] | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** What `cache` needs of a Cache of the browser's Cache Storage; any store of bytes under addresses will do. */
export interface FileCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, content: Response): Promise<void>;
  delete(url: string): Promise<boolean>;
  keys(): Promise<readonly { readonly url: string }[]>;
}

/**
 * Where ONNX Runtime's files are: the address of a folder that holds them under their own names, or one address for each
 * file of a build. Left out: beside this library, which carries them, and where your bundler takes them from there; never a CDN.
 */
export type WasmPaths = string | URL | Partial<Record<RuntimeBuild, RuntimeAddresses>>;

export interface RuntimeAddresses {
  /** The JavaScript API: ort.wasm.min.mjs or ort.jspi.min.mjs. */
  script: string | URL;
  /** Emscripten's glue: ort-wasm-simd-threaded.mjs or ort-wasm-simd-threaded.jspi.mjs. */
  loader: string | URL;
  /** ort-wasm-simd-threaded.wasm or ort-wasm-simd-threaded.jspi.wasm. */
  binary: string | URL;
}

/** Options that decide which files are meant and how they are had; the same ones give the same answer everywhere. */
export interface FileOptions {
  /** What to run on. `auto` (the default) measures what the device offers and keeps the fastest that gives the right pictures. */
  device?: Choice | undefined;
  /** Precision of the stored weights; the bundle's own default if left out. */
  variant?: Variant | undefined;
  /**
   * The only version that will do, 12 hexadecimal digits as in NAME@VERSION. Another one there is refused before anything of it
   * is kept, and a copy of this one on the device is used without asking the network.
   */
  version?: string | undefined;
  /** Ends what is under way: it rejects with the signal's reason, an AbortError unless you gave another. */
  signal?: AbortSignal | undefined;
  /** Instead of the global fetch: headers, an own host, a test. */
  fetch?: typeof fetch | undefined;
  /**
   * Where files are kept between visits: Cache Storage under `pocketgen-files` (true, the default where there is one) or
   * another name, a cache of your own, or nowhere (false; nothing is remembered about the device then either).
   */
  cache?: boolean | string | FileCache | undefined;
  wasmPaths?: WasmPaths | undefined;
}

export interface OpenOptions extends FileOptions {
  /** Called while files arrive, with the bytes of all of them together, and once more when drawing can begin. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Called when another provider draws from now on, and when the last one has been measured. */
  onDevice?: ((device: DeviceReport) => void) | undefined;
  /**
   * True (the default where there are workers): ONNX Runtime runs in a module worker. False: in this thread, which is how
   * Node, Deno and Bun run it. An address or a function: your own copy of worker.js, where a bundler does not move it along.
   */
  worker?: boolean | string | URL | (() => Worker) | undefined;
}

export interface Progress {
  /** `loading` files, then `starting` the runtime and checking it on the bundle's goldens, then `ready`. */
  phase: 'loading' | 'starting' | 'ready';
  /** Bytes of all files had so far, those kept on the device included. */
  loaded: number;
  /** Bytes of all files, known before the first of them arrives. */
  total: number;
}

export interface DeviceReport {
  /** What draws now. */
  provider: Provider;
  /** What is known of each provider: its milliseconds a picture, or why it is not used. */
  verdicts: readonly Verdict[];
  /** Others are still to be measured; that is done while nothing else is to be drawn. */
  measuring: boolean;
}

/** A file that opening needs. */
export interface NeededFile {
  name: string;
  url: string;
  bytes: number;
  part: 'model' | 'runtime';
  /** It is on the device already. */
  cached: boolean;
}

/** A place in latent space. Left out, everything is the model's own choice for a random seed. */
export interface Point {
  /** An integer from 0 to 4294967295, or any text of up to 256 characters; the same picture for the same seed everywhere. */
  seed?: string | number | undefined;
  /** Instead of a seed: [latent size] numbers, normally distributed, before truncation. */
  latent?: Float32Array | readonly number[] | undefined;
  /** A label, its index, or weights by label to draw between classes; left out: the class that the seed chooses. */
  class?: string | number | Readonly<Record<string, number>> | undefined;
  /** In (0, 1]: below 1 fewer rare pictures and fewer failed ones. Left out: the bundle's default. */
  truncation?: number | undefined;
}

/** `background` waits until nothing `interactive` is to be drawn. */
export type Priority = 'interactive' | 'background';

export interface DrawOptions {
  signal?: AbortSignal | undefined;
  priority?: Priority | undefined;
}

export type DrawRequest = Point & DrawOptions;

export interface WalkRequest extends DrawOptions {
  from: Point;
  to: Point;
  /** Pictures, both ends included. 24 if left out. */
  frames?: number | undefined;
}

export interface MixRequest extends DrawOptions {
  /** Which child of the two parents. 0 if left out. */
  child?: number | undefined;
}

export interface EncodeRequest {
  /** What the picture is of; needed where the model has classes. */
  class?: Point['class'];
  signal?: AbortSignal | undefined;
}

export interface CompleteRequest {
  /** Of the picture's size, grey: what is light (128 of 255 and above) is drawn anew, the rest stays to the last level. Of an ImageData, what is transparent stays. */
  mask: Picture | ImageData;
  /** One picture for each. Left out: a random one. */
  seeds?: readonly (string | number)[] | undefined;
  /** What the picture is of; left out: as the rest of it suggests. */
  class?: Point['class'];
  truncation?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface FileForm {
  /** `image/png` (the default) has the bytes that the edge and the command line give. */
  type?: 'image/png' | 'image/svg+xml' | undefined;
  /** A whole number: each pixel becomes so many by so many. 1 if left out. */
  scale?: number | undefined;
}

/** A picture: row-major 8-bit levels with channels interleaved, 1 grey, 3 RGB, 4 RGBA (straight), and ways to use it. */
export interface PictureForms extends Readonly<Picture> {
  toBlob(form?: FileForm): Promise<Blob>;
  /** `data:` address of the same file as `toBlob`. */
  toDataURL(form?: FileForm): Promise<string>;
  /** RGBA. Throws UserError where there is no ImageData (Node). */
  toImageData(): ImageData;
  /** Draws on `canvas`, sized to the picture, or on a new one: an element in a document, else an OffscreenCanvas. */
  toCanvas(): HTMLCanvasElement | OffscreenCanvas;
  toCanvas<C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C): C;
  /** One stroke for each run of equal pixels. */
  svg(scale?: number): string;
}

export interface DrawnPicture extends PictureForms {
  /** What was drawn: give it to `draw`, `walk` or `mix` again. */
  readonly point: Point;
}

export interface CompletedPicture extends PictureForms {
  /** By which it was completed. */
  readonly seed: string | number;
}

export interface Model {
  /** Everything that model.json says. */
  readonly manifest: Manifest;
  readonly variant: Variant;
  /** Labels in the order of their indices; empty for a model without classes. */
  readonly classes: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly device: DeviceReport;
  /** Throws UserError for a seed, class or truncation that is none; rejects when `signal` aborts or the model is disposed. */
  draw(request?: DrawRequest): Promise<DrawnPicture>;
  /** Draws in batches as large as the device takes at a time, in order; ending the loop ends the work. */
  drawMany(requests: Iterable<Point>, options?: DrawOptions): AsyncGenerator<DrawnPicture, void, undefined>;
  /** The pictures on the way from one point to another: the frames of the edge's walk. */
  walk(request: WalkRequest): AsyncGenerator<DrawnPicture, void, undefined>;
  /** A child of two points: every latent number and the class from one or the other, as the child's own coins fall. */
  mix(a: Point, b: Point, request?: MixRequest): Promise<DrawnPicture>;
  /**
   * The point that draws a picture again, as nearly as the model can: `draw`, `walk` and `mix` take it. The picture has the model's size.
   * Rejects with UserError for a model without an encoder (`manifest.encoder`); the first call downloads and starts it.
   */
  encode(picture: Picture | ImageData, request?: EncodeRequest): Promise<Point>;
  /**
   * The picture with a part drawn anew, once for each seed: the bytes of `pocketgen complete` and the edge's `/v1/complete`. Rejects with
   * UserError for a model without a completer (`manifest.completer`); the first call downloads and starts it.
   */
  complete(picture: Picture | ImageData, request: CompleteRequest): Promise<CompletedPicture[]>;
  /** Ends what is under way, stops the worker and frees its memory. What is called afterwards rejects. */
  dispose(): Promise<void>;
}
