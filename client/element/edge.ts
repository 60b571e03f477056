// What the element asks of a pocketgen API: which version of a model it draws, and why it has no picture.
import { UserError } from '../../contract/errors.ts';

/** By the model's address: asked once a page, so that all its pictures have addresses that are kept for ever. */
const versions = new Map<string, Promise<string>>();

/** The model's name with the version that the edge draws now; a name that has one stays as it is. Rejects with UserError. */
export function versionedModel(base: string, model: string): Promise<string> {
  if (model.includes('@')) return Promise.resolve(model);
  const address = `${base}/v1/images/${model}/0.png`;
  let version = versions.get(address);
  if (version === undefined) {
    version = askVersion(address, model);
    versions.set(address, version);
    version.catch(() => versions.delete(address));
  }
  return version;
}

/** The head of any picture names the address of its version, and draws nothing. */
async function askVersion(address: string, model: string): Promise<string> {
  const { headers } = await ask(address, 'HEAD');
  const [version] = /@[0-9a-f]{12}(?=\/)/.exec(headers.get('Content-Location') ?? '') ?? [];
  if (version === undefined)
    throw new UserError(
      `${address}: expected a Content-Location with the model's version, got none; is it a pocketgen API?`,
    );
  return `${model}${version}`;
}

/**
 * The picture at `address`; its request ends when `signal` aborts. Throws UserError with the API's own words where it has none,
 * and what `signal` gives.
 */
export async function loadImage(address: string, signal: AbortSignal): Promise<HTMLImageElement> {
  signal.throwIfAborted();
  const image = new Image();
  const leave = () => {
    image.src = '';
  };
  signal.addEventListener('abort', leave);
  image.fetchPriority = 'high'; // model and runtime are asked for beside it, and it is to be seen before they are there
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    signal.throwIfAborted();
    // An <img> does not say what is wrong; the same request does.
    await ask(address);
    throw new UserError(`${address}: expected a picture, got something else`);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Who has not answered by then is not going to, and is asked again for the next picture. */
const ANSWER_LIMIT = 20_000;

async function ask(address: string, method = 'GET'): Promise<Response> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT);
  const response = await fetch(address, { method, signal }).catch((error: unknown) => {
    throw new UserError(`${address}: expected an answer, got none (${error instanceof Error ? error.message : error})`);
  });
  if (response.ok) return response;
  // Of an answer without a body the reason is in that to a GET.
  if (method === 'HEAD') return ask(address);
  const problem = (await response.json().catch(() => ({}))) as { detail?: unknown };
  const detail = typeof problem.detail === 'string' ? problem.detail : `status ${response.status}`;
  throw new UserError(`${address}: expected an answer, got: ${detail}`);
}
