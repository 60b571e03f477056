// Networks that accept and never answer: work that is given up when nothing was heard for too long.

/**
 * Runs `work` with a signal that aborts when it has not called `heard` for `milliseconds`, or when `outer` aborts. Throws
 * DOMException `TimeoutError` for the first; what `work` throws otherwise.
 */
export async function patiently<T>(
  milliseconds: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal, heard: () => void) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silent = false;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      silent = true;
      controller.abort();
    }, milliseconds);
  };
  const follow = () => controller.abort(outer?.reason);
  outer?.throwIfAborted();
  outer?.addEventListener('abort', follow);
  heard();
  try {
    return await work(controller.signal, heard);
  } catch (error) {
    throw silent ? new DOMException(`no answer for ${milliseconds} ms`, 'TimeoutError') : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', follow);
  }
}

/** What fetch throws when there is no answer, with the address that gave none. */
export class Unanswered extends TypeError {
  readonly address: string;
  constructor(address: string, cause: TypeError) {
    super(cause.message, { cause });
    this.address = address;
  }
}

/** Whether it is the network that failed, and not what it brought. */
export function isNetworkFailure(error: unknown): boolean {
  if (error instanceof DOMException) return error.name === 'TimeoutError';
  // In each browser's words, and in Node's for a body that ends too soon.
  return error instanceof TypeError && /fetch|network|load failed|^terminated/i.test(error.message);
}
