// What loading own pictures has to say, as sentences.
import { printable } from '../../contract/printable.ts';
import type { DatasetReport, DatasetSplits, PictureOptions } from './types.ts';

/** As many files are named; a list that nobody reads to its end says less. */
const named = 20;

const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `a.png (reason), b.png (reason) and 3 more` */
export function listSome(leftOut: DatasetReport['leftOut'], most: number): string {
  const some = leftOut.slice(0, most).map(({ path, reason }) => `${path} (${reason})`);
  return some.join(', ') + (leftOut.length > most ? ` and ${leftOut.length - most} more` : '');
}

/** One line on where a set came from. */
export function noteOf(
  source: string,
  about: { classes: string[]; options: PictureOptions; report: DatasetReport; heldOut: number },
): string {
  const { classes, options, report, heldOut } = about;
  const { size, channels, fit, background } = options;
  const { used, leftOut, otherFiles, copies, exactCopies, splitFolders } = report;
  const colours = { 1: 'grey', 3: 'colour', 4: 'colour with transparency' }[channels];
  const inGroups = copies.reduce((sum, group) => sum + group.length, 0);
  return [
    `${source}: ${plural(used, 'own picture')}${classes.length > 0 ? ` in ${plural(classes.length, 'class', 'classes')}` : ''}, ` +
      `${fit === 'cover' ? 'cropped' : 'fitted'} and resized to ${size}x${size}, ${colours}` +
      (report.withAlpha > 0 && background !== undefined && background !== '#ffffff' ? ` on ${background}` : ''),
    ...(leftOut.length > 0 ? [`${leftOut.length} left out`] : []),
    ...(otherFiles > 0 ? [`${plural(otherFiles, 'other file')} ${otherFiles === 1 ? 'was' : 'were'} left out`] : []),
    ...(copies.length > 0
      ? [`${inGroups} are copies or nearly so, in ${plural(copies.length, 'group')} (${exactCopies} exact)`]
      : []),
    splitFolders.length > 0
      ? `split by its folders ${splitFolders.map((name) => `${name}/`).join(', ')}: ${heldOut} held out`
      : heldOut > 0
        ? `${heldOut} held out`
        : 'too few to hold any out',
  ].join('; ');
}

/** The note, what was left out (the first twenty, then a count), and what the person should know or may want to change. */
export function reportLines({ train, report }: DatasetSplits): string[] {
  if (!report) return [printable(train.note)];
  const { leftOut, remarks } = report;
  return [
    train.note,
    ...leftOut.slice(0, named).map(({ path, reason }) => `left out: ${path} (${reason})`),
    ...(leftOut.length > named ? [`left out: ${leftOut.length - named} more`] : []),
    ...remarks,
  ].map(printable);
}

/** Groups of copies, the first twenty, each on a line. */
export function copyLines({ copies }: DatasetReport): string[] {
  return [
    ...copies.slice(0, named).map((group) => `  ${group.slice(0, named).join(', ')}${more(group.length)}`),
    ...(copies.length > named ? [`  and ${copies.length - named} more groups`] : []),
  ].map(printable);
}

const more = (length: number): string => (length > named ? ` and ${length - named} more` : '');
