// The quality curve, by uPlot, in the page's colours: a distance with its interval on the left axis, shares on the right.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { HistoryPoint } from '../../contract/manifest.ts';
import { t } from '../texts.ts';
import type { Measure } from './curve.ts';

const HEIGHT = 200;

export function drawChart(holder: HTMLElement, history: readonly HistoryPoint[], measures: readonly Measure[]): void {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string) => style.getPropertyValue(name).trim();
  // Asked for whenever it is drawn: the theme may have changed.
  const colour = (name: string) => () => value(name);
  const font = `13px ${value('--font')}`;
  const axis = {
    font,
    labelFont: font,
    stroke: colour('--soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line') },
  };
  const line = { width: 2, points: { show: history.length < 30, size: 5 }, spanGaps: true };
  const looks = {
    kid: { ...line, scale: 'distance', stroke: colour('--accent') },
    fid: { ...line, scale: 'distance', stroke: colour('--accent') },
    coverage: { ...line, scale: 'share', stroke: colour('--good'), dash: [6, 4] },
    nearCopies: { ...line, scale: 'share', stroke: colour('--soft'), dash: [2, 4] },
  } satisfies Record<Measure, uPlot.Series>;

  const column = (key: Measure | 'kidLow' | 'kidHigh') => history.map((point) => point[key] ?? null);
  const banded = measures.includes('kid') && history.some(({ kidLow }) => kidLow !== undefined);
  const edge = { scale: 'distance', width: 0, stroke: 'transparent', points: { show: false } };
  const distances = [column('kid'), column('fid'), column('kidLow')].flat().filter((value) => value !== null);
  const shares = measures.some((measure) => measure === 'coverage' || measure === 'nearCopies');
  const distance = measures.some((measure) => measure === 'kid' || measure === 'fid');

  const chart = new uPlot(
    {
      width: holder.clientWidth,
      height: HEIGHT,
      scales: {
        x: { time: false },
        // Falls by orders of magnitude; the estimate of a small distance can be below 0, which a logarithm cannot show.
        distance: distances.every((value) => value > 0)
          ? { distr: 3 }
          : { distr: 4, asinh: linearBelow(Math.max(...distances)) },
        share: { range: [0, 1] },
      },
      legend: { show: false },
      cursor: { show: false },
      axes: [
        { ...axis, label: t('imagesSeen'), values: (_, ticks) => ticks.map(short) },
        ...(distance ? [{ ...axis, scale: 'distance', size: 58 }] : []),
        ...(shares
          ? [{ ...axis, scale: 'share', side: 1 as const, size: 58, grid: { show: false }, values: percents }]
          : []),
      ],
      series: [{}, ...(banded ? [edge, edge] : []), ...measures.map((measure) => looks[measure])],
      bands: banded
        ? [{ series: [1, 2], fill: () => `color-mix(in srgb, ${value('--accent')} 22%, transparent)` }]
        : [],
    },
    [
      history.map(({ images }) => images),
      ...(banded ? [column('kidHigh'), column('kidLow')] : []),
      ...measures.map(column),
    ],
    holder,
  );
  new ResizeObserver(() => {
    if (holder.isConnected) chart.setSize({ width: holder.clientWidth, height: HEIGHT });
  }).observe(holder);
  const system = matchMedia('(prefers-color-scheme: dark)');
  const themed = () => {
    if (holder.isConnected) return chart.redraw(false);
    chosen.disconnect(); // drawn anew when it is shown again
    system.removeEventListener('change', themed);
  };
  const chosen = new MutationObserver(themed);
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  system.addEventListener('change', themed);
}

/** A fiftieth of the largest, as a power of ten: from another number uPlot counts its ticks without end. */
const linearBelow = (largest: number): number =>
  largest > 0 ? Number(`1e${Math.round(Math.log10(largest / 50))}`) : 1;

function short(images: number): string {
  if (images >= 1e6) return `${images / 1e6}M`;
  return images >= 1000 ? `${images / 1000}k` : String(images);
}

const percents = (_: uPlot, ticks: number[]) => ticks.map((tick) => `${Math.round(tick * 100)} %`);
