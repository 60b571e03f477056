// Commands that take bundle folders, or folders of them, and do the same with each.
import { UserError } from '../contract/errors.ts';
import { bundleFolders } from '../edge/bundles.ts';
import { inBundle } from '../export/open.ts';
import { isSystemError, systemErrorSentence } from '../train/store/system-error.ts';

/** Absolute folders, each once. Throws UserError where a path has no bundle. */
export const foldersOf = (paths: readonly string[]): string[] => [...new Set(paths.flatMap(bundleFolders))];

/** One with which it cannot be done keeps none of the others from it; what is wrong is told, and the exit code 1. */
export async function eachBundle(
  paths: readonly string[],
  work: (folder: string, several: boolean) => Promise<void>,
): Promise<void> {
  const folders = foldersOf(paths);
  for (const folder of folders) {
    try {
      await work(folder, folders.length > 1);
    } catch (error) {
      const told = inBundle(folder, error);
      if (!(told instanceof UserError) && !isSystemError(told)) throw told;
      console.error(isSystemError(told) ? systemErrorSentence(told) : told.message);
      process.exitCode = 1;
    }
  }
}
