// fetch that reads `file:` addresses too in Node, Deno and Bun, whose own does not: a package's files and a bundle's folder.

/** What is used of Node's file system; taken from the process, so that no bundler looks for it in a page. */
interface FileSystem {
  readFile(url: URL): Promise<Uint8Array<ArrayBuffer>>;
}

function fileSystem(): FileSystem | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
  return process?.getBuiltinModule?.('node:fs/promises') as FileSystem | undefined;
}

/** `remote`, but for `file:` addresses, of which one that is not there is answered with 404. */
export function withLocal(remote: typeof fetch): typeof fetch {
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const disk = address.startsWith('file:') ? fileSystem() : undefined;
    if (disk === undefined) return remote(input, init);
    init?.signal?.throwIfAborted();
    try {
      return new Response(await disk.readFile(new URL(address)));
    } catch (error) {
      return new Response(String(error), { status: 404 });
    }
  };
}
