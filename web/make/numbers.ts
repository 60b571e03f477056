// Numbers and durations as a person says them, in the page's language.
import { currentLanguage } from '../texts.ts';

const language = (): string => (currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB');

/** Three digits where it is small, whole where it is not. */
export const number = (value: number): string =>
  value.toLocaleString(language(), value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });

/** To the precision that a forecast has. */
export function duration(seconds: number): string {
  const minutes = seconds / 60;
  const [value, unit] =
    minutes < 1
      ? [Math.max(1, Math.round(seconds)), 'second']
      : minutes < 90
        ? [Math.round(minutes), 'minute']
        : [Math.round(minutes / 30) / 2, 'hour'];
  return value.toLocaleString(language(), { style: 'unit', unit, unitDisplay: 'long' });
}
