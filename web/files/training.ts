// Watching a training from the page: asks /v1/training/NAME now and then, seldom while nobody looks, ever more seldom while
// nobody answers.

import { patiently } from '../../client/files/patience.ts';
import { parseTraining, type Training } from '../../contract/training.ts';

/** Milliseconds between questions: while it trains, when it has ended (it may go on), while the page is hidden. */
const EVERY = { training: 4000, ended: 10_000, hidden: 60_000 } as const;
const ANSWER_LIMIT = 10_000;

/** Tells what is known after every answer, `silent` when there was none. Returns what ends it. */
export function watchTraining(name: string, tell: (news: Training | 'silent') => void): () => void {
  if (__EDGE__ === 'none') return () => undefined;
  const url = new URL(`v1/training/${name}`, new URL(__EDGE__, document.baseURI));
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let delay: number = EVERY.training;

  async function ask(): Promise<void> {
    if (asking) return;
    clearTimeout(timer);
    asking = true;
    const news = await answer(url, ended.signal);
    asking = false;
    if (ended.signal.aborted) return;
    if (news === 'silent') delay = Math.min(delay * 2, EVERY.hidden);
    else delay = news.state === 'training' ? EVERY.training : EVERY.ended;
    tell(news);
    timer = setTimeout(() => void ask(), document.hidden ? EVERY.hidden : delay);
  }

  document.addEventListener('visibilitychange', () => void (document.hidden || ask()), { signal: ended.signal });
  void ask();
  return () => {
    clearTimeout(timer);
    ended.abort();
  };
}

async function answer(url: URL, signal: AbortSignal): Promise<Training | 'silent'> {
  try {
    return await patiently(ANSWER_LIMIT, signal, async (limited) => {
      const response = await fetch(url, { cache: 'no-store', signal: limited });
      return response.ok ? parseTraining(await response.json()) : 'silent';
    });
  } catch {
    return 'silent'; // the server is away, or answers something else: asked again later
  }
}
