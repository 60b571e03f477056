// The training curve, by uPlot, in the page's colours.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { t } from '../texts.ts';

export function drawChart(holder: HTMLElement, curve: readonly { images: number; fid: number }[]): void {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `13px ${colour('--font')}`;
  const axis = {
    font,
    labelFont: font,
    stroke: colour('--soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line') },
  };
  const chart = new uPlot(
    {
      width: holder.clientWidth,
      height: 220,
      scales: { x: { time: false }, y: { distr: 3 } },
      legend: { show: false },
      cursor: { show: false },
      axes: [
        { ...axis, label: t('imagesSeen'), values: (_, ticks) => ticks.map((tick) => `${tick / 1000}k`) },
        { ...axis, size: 50 },
      ],
      series: [{}, { stroke: colour('--accent'), width: 2, points: { show: true } }],
    },
    [curve.map(({ images }) => images), curve.map(({ fid }) => fid)],
    holder,
  );
  new ResizeObserver(() => chart.setSize({ width: holder.clientWidth, height: 220 })).observe(holder);
}
