// What loading pictures will take of the machine's memory, said and checked before it is taken.
import { constants } from 'node:buffer';
import { freemem } from 'node:os';
import { UserError } from '../../contract/errors.ts';

/** Node and sharp's buffers for the pictures that are being decoded. */
const besides = 512 * 2 ** 20;
/** Less than this is not worth a word. */
const worthSaying = 2 ** 30;

/**
 * Peak bytes while `count` pictures are loaded: as premultiplied RGBA to find copies in, and once more in the channels of
 * the set, of which there may be four.
 */
const memoryNeeded = (count: number, size: number): number => 2 * count * size * size * 4 + besides;

/** What this process may still take; a container's limit counts. */
const memoryAvailable = (): number => process.availableMemory?.() ?? freemem();

/** @returns a sentence, where much is needed @throws UserError where there is less */
export function checkMemory(
  source: string,
  count: number,
  size: number,
  available = memoryAvailable(),
): string | undefined {
  const needed = memoryNeeded(count, size);
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const what = `${count} pictures of ${size}x${size}`;
  const todo = 'take a smaller --size or fewer pictures';
  if (needed > available)
    throw new UserError(
      `${source}: expected ${gib(needed)} of memory for ${what}, got ${gib(available)} that are free; ${todo}`,
    );
  const most = Math.floor(constants.MAX_LENGTH / (size * size * 4));
  if (count > most)
    throw new UserError(`${source}: expected at most ${most} pictures at this size, got ${what}; ${todo}`);
  return needed - besides > worthSaying
    ? `${what} will take ${gib(needed)} of memory while they are loaded`
    : undefined;
}
