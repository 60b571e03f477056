// workerd and Node with the same bundles, both open to heldHeapMiB: for tests that nothing a client sends makes a server grow.
import { buildWorker, type ServerProcess, startNodeServer, startWorkerdAlone } from '../../bench/edge-server.ts';

export interface MeasuredPair {
  /** workerd, then Node. */
  servers: ServerProcess[];
  stop(): Promise<void>;
}

export async function startMeasured(models: string): Promise<MeasuredPair> {
  const build = buildWorker(models);
  const options = { inspect: true, v8Flags: ['--expose-gc'] };
  const servers = [await startWorkerdAlone(build, options), await startNodeServer(models, options)];
  return {
    servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      build.remove();
    },
  };
}
