// How much of a server's JavaScript heap is held and not garbage: collects garbage through the inspector (the same
// protocol in workerd and Node) and reads what is left. The server must run with V8's --expose-gc.

interface Message {
  id?: number;
  method?: string;
  params?: { context?: { id: number } };
  result?: { usedSize?: number };
  error?: { message: string };
}

/**
 * MiB of JavaScript heap in use after a full collection. `port`: the inspector's; `worker`: which one of several, as the inspector
 * names it.
 */
export async function heldHeapMiB(port: number, worker?: string): Promise<number> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    id: string;
    webSocketDebuggerUrl: string;
  }[];
  const target = worker === undefined ? targets.at(-1) : targets.find(({ id }) => id === worker);
  const address = target?.webSocketDebuggerUrl;
  if (address === undefined) throw new Error(`inspector: expected a target on port ${port}, got none`);
  const socket = new WebSocket(address);
  let context = 0;
  const waiting = new Map<number, (message: Message) => void>();
  socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const message = JSON.parse(data) as Message;
    if (message.method === 'Runtime.executionContextCreated') context = message.params?.context?.id ?? 0;
    if (message.id !== undefined) waiting.get(message.id)?.(message);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`inspector: expected ${address} to answer`)));
  });
  const send = (id: number, method: string, params: object = {}) =>
    new Promise<Message['result']>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`inspector: expected an answer to ${method}, got none`)), 10_000);
      waiting.set(id, ({ result, error }) => {
        clearTimeout(late);
        if (result === undefined) reject(new Error(`inspector: ${method}: ${error?.message}`));
        else resolve(result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  try {
    await send(1, 'Runtime.enable');
    // HeapProfiler.collectGarbage waits for the next event in workerd, so it is asked for in JavaScript; twice, for what
    // the first collection finalised.
    for (const id of [2, 3]) await send(id, 'Runtime.evaluate', { expression: 'gc()', contextId: context });
    return ((await send(4, 'Runtime.getHeapUsage'))?.usedSize ?? 0) / 2 ** 20;
  } finally {
    socket.close();
  }
}
