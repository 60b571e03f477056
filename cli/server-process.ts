// The server of `pocketgen start`, in a process of its own: a training step blocks the event loop for up to 300 ms, which
// no page should wait for. It ends with the process that started it, and with nothing else.
import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import * as z from 'zod';
import { UserError } from '../contract/errors.ts';
import { isSystemError, systemErrorSentence } from '../train/store/system-error.ts';

const optionsSchema = z.object({
  models: z.string(),
  host: z.string(),
  port: z.int(),
  perMinute: z.int(),
  page: z.string(),
});
export type ServerOptions = z.infer<typeof optionsSchema>;

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listening'), url: z.string() }),
  z.object({ kind: z.literal('refused'), reason: z.string() }),
  z.object({ kind: z.literal('notice'), text: z.string() }),
  z.object({ kind: z.literal('refreshed') }),
]);
type Message = z.infer<typeof messageSchema>;

/** What the server is asked after it has been given its options. */
const REFRESH = 'refresh';

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Resolves once what is in the models folder now is served. */
  refresh(): Promise<void>;
  stop(): void;
}

/** Resolves once it listens. Throws UserError where it cannot. `say` is told what a user should know, also later on. */
export async function startServerProcess(options: ServerOptions, say: (line: string) => void): Promise<ServerProcess> {
  const child = fork(import.meta.filename, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(options);
  let refreshed: (() => void) | undefined;
  const url = await new Promise<string>((listening, refuse) => {
    child.on('message', (json) => {
      const message = messageSchema.parse(json);
      switch (message.kind) {
        case 'listening':
          return listening(message.url);
        case 'refused':
          return refuse(new UserError(message.reason));
        case 'notice':
          return say(message.text);
        case 'refreshed':
          return refreshed?.();
        default:
          return message satisfies never;
      }
    });
    child.once('exit', (code) => refuse(new UserError(`server: expected it to start, got exit code ${code}`)));
  });
  const onExit = (): void => say('the server has stopped; training goes on, and the same command serves again');
  child.once('exit', onExit);
  return {
    url,
    pid: child.pid ?? 0,
    refresh: () =>
      new Promise((done) => {
        if (!child.connected) return done();
        refreshed = done;
        child.once('exit', () => done());
        child.send(REFRESH);
      }),
    stop() {
      child.off('exit', onExit);
      if (child.connected) child.disconnect();
    },
  };
}

async function serve(json: unknown): Promise<void> {
  const [{ startServer }, { addressSettings }] = await Promise.all([
    import('../edge/node.ts'),
    import('../edge/address.ts'),
  ]);
  const tell = (message: Message): void => void process.send?.(message);
  try {
    const { url, refresh } = await startServer({
      ...optionsSchema.parse(json),
      provider: 'wasm',
      keys: process.env.API_KEYS,
      ...addressSettings(process.env),
      log: undefined,
      notice: (text) => tell({ kind: 'notice', text }),
    });
    process.on('message', () => void refresh().then(() => tell({ kind: 'refreshed' })));
    tell({ kind: 'listening', url });
  } catch (error) {
    if (!(error instanceof UserError) && !isSystemError(error)) throw error;
    tell({ kind: 'refused', reason: error instanceof UserError ? error.message : systemErrorSentence(error) });
    process.disconnect();
  }
}

if (process.argv[1] !== undefined && import.meta.filename === resolve(process.argv[1])) {
  process.once('message', serve);
  process.once('disconnect', () => process.exit());
  // A terminal sends its signals to every process of the command; this one goes when the training has been saved.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}
