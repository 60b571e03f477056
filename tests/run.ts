// `npm test`: sees to a browser, builds the web client, runs every test, and ends with one line `N passed, N failed`.
// Names after `--` narrow the run as in vitest: `npm test -- web-golden`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { startVitest, type TestModule } from 'vitest/node';
import { ensureBrowser } from './browser.ts';

const started = performance.now();
const exclude: string[] = [];
const browser = ensureBrowser();
if (browser === undefined) {
  const folder = 'tests/full';
  const needing = readdirSync(folder).filter(
    (name) => name.endsWith('.test.ts') && readFileSync(join(folder, name), 'utf8').includes("from '../browser.ts'"),
  );
  exclude.push(...needing.map((name) => `${folder}/${name}`));
  console.log(`browser: none found and none could be installed (set CHROME_PATH); left out: ${needing.join(', ')}`);
} else {
  console.log(`browser: ${browser}`);
  // Every worker process of the tests finds the same one.
  process.env.CHROME_PATH = browser;
}

let passed = 0;
let failed = 0;
try {
  // What is published is compressed well; 10 is within 4 % of the best in half the time.
  process.env.POCKETGEN_BROTLI ??= '10';
  await build({ logLevel: 'warn' });
  process.env.POCKETGEN_WEB_BUILT = '1';
  const vitest = await startVitest('test', process.argv.slice(2), {
    run: true,
    watch: false,
    // What `--exclude` of the command line becomes: it reaches every project.
    cliExclude: exclude,
  });
  for (const module of vitest.state.getTestModules()) {
    let inModule = 0;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      if (state === 'failed') inModule++;
    }
    // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
    failed += inModule === 0 && module.state() === 'failed' ? 1 : inModule;
  }
  failed += vitest.state.getUnhandledErrors().length;
  console.log(slowest(vitest.state.getTestModules()));
  await vitest.close();
} catch (error) {
  console.error(error);
  failed++;
}

/** Where the time goes: files, of which up to two run at a time. */
function slowest(modules: readonly TestModule[]): string {
  const seconds = (module: TestModule): number => {
    const { collectDuration, duration } = module.diagnostic();
    return (collectDuration + duration) / 1000;
  };
  const sorted = [...modules].sort((a, b) => seconds(b) - seconds(a));
  return `slowest, s: ${sorted
    .slice(0, 20)
    .map((module) => `${module.relativeModuleId} ${seconds(module).toFixed(0)}`)
    .join(', ')}`;
}

// No test at all is no success.
if (passed === 0) failed = Math.max(failed, 1);
console.log(`\n${((performance.now() - started) / 1000).toFixed(0)} s`);
// writeSync-like ordering matters: this is the last line whatever vitest still had to say.
process.stdout.write(`${passed} passed, ${failed} failed\n`, () => process.exit(failed === 0 ? 0 : 1));
