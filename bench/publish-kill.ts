// kill -9 at random moments of a publish while readers poll, in a folder that Node serves and in R2 of the Worker in workerd:
// `node bench/publish-kill.ts [--rounds 20]`. Ends with an error as soon as a reader has seen a mixture of two bundles.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from '../edge/node.ts';
import { COLOUR } from '../tests/fast/edge-fixture.ts';
import { tinyFolder } from '../tests/fast/edge-services.ts';
import { startWorkerd } from '../tests/full/edge-workerd.ts';
import { type Kills, killPublishes } from '../tests/publish-kills.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);
process.env.PUBLISH_TOKEN = 'token';

const told = (where: string, { before, after, tooLate, looks, requests }: Kills) =>
  console.log(
    `${where}: ${rounds} killed (${before} left the bundle before, ${after} the one after; ${tooLate} others had ended), ` +
      `${looks} looks at the store and ${requests} answers, all of one bundle; load ${loadavg()[0]?.toFixed(1)}`,
  );

const root = mkdtempSync(join(tmpdir(), 'pocketgen-kill-'));
const node = await startServer({
  ...{ models: join(root, 'none'), store: root, provider: 'wasm', port: 0, host: '127.0.0.1', perMinute: 0 },
  ...{ keys: undefined, log: undefined, page: undefined, notice: console.error },
});
told('folder, Node', await killPublishes(rounds, root, node.url, console.log));
await node.close();
rmSync(root, { recursive: true, force: true });

const own = await tinyFolder(COLOUR);
const workerd = await startWorkerd(
  own.folder,
  { PUBLISH_TOKEN: 'token', MODELS_SECONDS: '1' },
  { MODELS: 'pocketgen-models' },
);
told('R2, workerd', await killPublishes(rounds, workerd.url, workerd.url, console.log));
await workerd.stop();
own.remove();
