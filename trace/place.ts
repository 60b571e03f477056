// Where in the traced function something went wrong: the tfjs op, and the line of the user's code that called it.
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';

/** Frames of tfjs and of the tracer itself, as their files and as what a bundler makes of their folders. */
const NOT_THE_USERS =
  /@tensorflow|node:|[/\\]trace[/\\](kernels[/\\]|(backend|place|record|trace|ops|traced)\.)|<anonymous>/;

/** `called by tf.unique at model.ts:12:7`, as much of it as is known. */
export function place(): string {
  // tfjs names the scope that each op runs in; the type does not say so.
  const { state } = tf.engine() as unknown as { state: { activeScope?: { name?: string } } };
  const op = state.activeScope?.name;
  // V8 keeps ten frames unless told otherwise, and tfjs alone has that many.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const lines = stack.split('\n').filter((line) => /:\d+:\d+\)?$/.test(line));
  const user = lines.find((line) => !NOT_THE_USERS.test(line));
  const at = user?.match(/([^/\\(\s]+:\d+:\d+)\)?$/)?.[1];
  const caller = op?.endsWith('__op') ? `called by tf.${op.replace(/__op$/, '')}` : 'called';
  return at ? `${caller} at ${at}` : caller;
}

/** Runs a mapping; what it refuses is told with the kernel and the place. */
export function placed<T>(kernel: string, map: () => T): T {
  try {
    return map();
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error)) throw error;
    throw new UserError(`trace: ${kernel} (${place()}): ${error.message}`, { cause: error });
  }
}
