// The model that a request names, `fashion-gan` or `fashion-gan@4f1c0a9be2d7`, lent to it while it is answered.
import { UserError } from '../contract/errors.ts';
import { splitVersion, versionedName } from '../contract/version.ts';
import type { Loan, Models } from './models.ts';
import { badField, Problem } from './problem.ts';

export interface Requested extends Loan {
  /** The request named the version: what it gets never changes. */
  pinned: boolean;
}

/** So many names are told to who asked for another. */
const NAMES_TOLD = 20;

/** Runs `work` on the model; a 404 with the names there are (or the version there is), or a 503 with why it is not served. */
export async function lendNamed(
  models: Models,
  given: string,
  where: 'path' | 'body',
  work: (model: Requested) => Promise<Response>,
): Promise<Response> {
  const { name, version } = splitVersion(given);
  const told = (error: unknown): never => {
    throw error instanceof UserError ? notServed(name, error.message) : error;
  };
  const answer = await models.lend(name, version, (loan) =>
    work({
      ...loan,
      pinned: version !== undefined,
      open: () => loan.open().catch(told),
      encoder: () => loan.encoder().catch(told),
      completer: () => loan.completer().catch(told),
    }),
  );
  return answer ?? Promise.reject(await absence(models, given, where));
}

const notServed = (name: string, reason: string) => new Problem(503, `model ${name} is not served: ${reason}`);

async function absence(models: Models, given: string, where: 'path' | 'body'): Promise<Problem> {
  const { name, version } = splitVersion(given);
  const entries = await models.list();
  const current = entries.find((entry) => entry.name === name);
  const reason = models.failed().get(name);
  if (current === undefined && reason !== undefined) return notServed(name, reason);
  const shown = entries.slice(0, NAMES_TOLD).map((entry) => entry.name);
  const more = entries.length > shown.length ? ` and ${entries.length - shown.length} more, see /v1/models` : '';
  // A version that was never here and one that is gone look alike, and a rollback may bring the latter back: 404, not 410.
  const expected =
    current !== undefined && version !== undefined
      ? `expected ${versionedName(name, current.version)}, the version there is, or ${name} for whichever is current`
      : `expected one of ${shown.join(', ') || 'none, as no model is served'}${more}`;
  const { fields, message } = badField(where, 'model', `${expected}, got ${given.slice(0, 80)}`);
  return new Problem(404, message, fields);
}

/** Loans of something that may have to be closed: `ended` resolves when those that had begun have ended. */
export function createLoans() {
  const underWay = new Set<Promise<unknown>>();
  return {
    async during<T>(work: () => Promise<T>): Promise<T> {
      const running = work();
      underWay.add(running);
      try {
        return await running;
      } finally {
        underWay.delete(running);
      }
    },
    async ended(): Promise<void> {
      await Promise.allSettled([...underWay]);
    },
  };
}
