// The quality curve of a training with its legend: what was measured, as far as it was. Used while it trains and afterwards.
import type { HistoryPoint } from '../../contract/manifest.ts';
import { currentLanguage, type TextKey, t } from '../texts.ts';
import { h } from './dom.ts';

/** Number fields of a measurement that have a line in the chart. */
export type Measure = 'kid' | 'fid' | 'coverage' | 'nearCopies';

export const MEASURE_NAMES = {
  kid: 'curveKid',
  fid: 'curveFid',
  coverage: 'curveCoverage',
  nearCopies: 'curveNearCopies',
} as const satisfies Record<Measure, TextKey>;

/** A distance and shares; the distance is FID where no KID was measured. */
export function measuresOf(history: readonly HistoryPoint[]): Measure[] {
  const has = (measure: Measure) => history.filter((point) => point[measure] !== undefined).length > 1;
  const distance = (['kid', 'fid'] as const).find(has);
  return [...(distance === undefined ? [] : [distance]), ...(['coverage', 'nearCopies'] as const).filter(has)];
}

/** Fills `holder`; it keeps the size that it has without a curve. */
export async function showCurve(holder: HTMLElement, history: readonly HistoryPoint[]): Promise<void> {
  const measures = measuresOf(history);
  if (measures.length === 0) {
    holder.replaceChildren(h('p', { class: 'hint' }, t('curveSoon')));
    return;
  }
  const label = measures.map((measure) => `${t(MEASURE_NAMES[measure])}: ${valueText(measure, history)}`).join('; ');
  const chart = h('div', { class: 'chart', role: 'img', 'aria-label': label });
  const { drawChart } = await import('./chart.ts');
  holder.replaceChildren(chart, legend(measures, history));
  drawChart(chart, history, measures);
}

function legend(measures: readonly Measure[], history: readonly HistoryPoint[]): HTMLElement {
  const band = measures.includes('kid') && history.some(({ kidLow }) => kidLow !== undefined);
  const item = (measure: Measure) => {
    const note = measure === 'kid' && band ? ` ${t('curveBand')}` : '';
    const value = h('b', {}, valueText(measure, history));
    return h('li', { class: `line-${measure}` }, `${t(MEASURE_NAMES[measure])}: `, value, note);
  };
  return h('ul', { class: 'legend', 'aria-hidden': 'true' }, ...measures.map(item));
}

/** The newest one. */
function valueText(measure: Measure, history: readonly HistoryPoint[]): string {
  return measureText(measure, history.findLast((point) => point[measure] !== undefined)?.[measure] ?? 0);
}

export function measureText(measure: Measure, value: number): string {
  if (measure === 'kid' || measure === 'fid') return number(value, { maximumSignificantDigits: 2 });
  return number(value, { style: 'percent', maximumFractionDigits: 1 });
}

export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return value.toLocaleString(currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB', options);
}
