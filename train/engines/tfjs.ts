// Starting a tfjs backend for eager work.
import * as tf from '@tensorflow/tfjs';

/** Makes `name` tfjs's backend. Production mode: no advice on the console that our users did not ask for. */
export async function useBackend(name: string): Promise<void> {
  tf.env().set('PROD', true);
  if (!(await tf.setBackend(name))) throw new Error(`tfjs: expected the backend ${name} to start`);
  await tf.ready();
}
