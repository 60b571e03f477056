// The panel of a training that is under way: how far it is, how long it takes, how good it is, and how to go on when it
// has ended.
import type { Training } from '../../contract/training.ts';
import { t } from '../texts.ts';
import { number, showCurve } from './curve.ts';
import { h, setText } from './dom.ts';

export interface LivePanel {
  readonly element: HTMLElement;
  /** undefined: the model is not one of a training; asking: no answer so far. `shown`: the images that the pictures on the page were made after. */
  show(news: Training | 'asking' | 'silent' | undefined, shown: number | undefined): void;
}

export function createLivePanel(): LivePanel {
  // Read out when it changes; the figures, which change every few seconds, are not.
  const state = h('b', { role: 'status' });
  const images = h('span', { class: 'figures' });
  const bar = h('progress', { max: 1, 'aria-label': t('live') });
  const pace = h('span', { class: 'figures' });
  const note = h('span', {});
  const curve = h('div', { class: 'curve' });
  // On a phone the pictures come first.
  const more = h('details', { open: matchMedia('(min-width: 960px)').matches }, h('summary', {}, t('curve')), curve);
  const element = h(
    'section',
    { class: 'live', 'aria-label': t('live'), hidden: true },
    h('p', { class: 'live-head' }, state, images),
    bar,
    h('p', { class: 'hint live-notes' }, pace, note),
    more,
  );
  let last: Training | undefined;
  let drawn = '';

  function draw(): void {
    const wanted = JSON.stringify(last?.history ?? []);
    if (!more.open || wanted === drawn) return;
    drawn = wanted;
    void showCurve(curve, last?.history ?? []);
  }
  more.addEventListener('toggle', draw);

  return {
    element,
    show(news, shown) {
      element.hidden = news === undefined;
      if (news === undefined) return;
      if (typeof news !== 'string') last = news;
      else if (news === 'asking') last = undefined;
      const phase = typeof news === 'string' ? news : news.state;
      element.dataset.state = phase;
      setText(state, t(`live-${phase}`));
      if (last === undefined) return;
      const { images: seen, total, imagesPerSecond, secondsLeft } = last;
      setText(images, t('liveImages', { images: number(seen), total: number(total) }));
      bar.value = total === 0 ? 0 : Math.min(1, seen / total);
      // Just begun, nothing can be said of its pace.
      const paced = phase === 'training' && imagesPerSecond > 0;
      const speed = t('liveSpeed', { n: number(imagesPerSecond, { maximumSignificantDigits: 2 }) });
      setText(pace, paced ? `${speed} · ${t('liveLeft', { time: timeText(secondsLeft) })}` : '');
      setText(note, noteOf(phase, shown));
      draw();
    },
  };
}

function noteOf(phase: Training['state'] | 'asking' | 'silent', shown: number | undefined): string {
  switch (phase) {
    case 'training':
      return shown === undefined ? t('liveFirst') : t('liveShown', { images: number(shown) });
    case 'stopped':
      return t('liveGoOn');
    case 'finished':
      return t('liveMore');
    case 'asking':
      return '';
    case 'silent':
      return t('liveAsk');
    default:
      return phase satisfies never;
  }
}

export function timeText(seconds: number): string {
  if (seconds < 60) return t('seconds', { n: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t('minutes', { n: minutes });
  return t('hours', { h: Math.floor(minutes / 60), m: minutes % 60 });
}
