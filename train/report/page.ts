// The report as one HTML page that needs nothing from anywhere: chart library, data and pictures are inside it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { showReport } from './client.ts';
import type { ReportData } from './data.ts';

const require = createRequire(import.meta.url);
const uplot = (file: string): string => readFileSync(require.resolve(`uplot/dist/${file}`), 'utf8');

/** JSON that cannot end the script element it stands in. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** @param watch the page asks the server it came from for new data every two seconds */
export function reportPage(data: ReportData, watch = false): string {
  const title = data.title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${uplot('uPlot.min.css')}</style>
<style>${style}</style>
<header>
  <h1 id="title"></h1>
  <p><span id="note"></span> <span id="live"></span></p>
  <div id="facts"></div>
</header>
<main>
  <section id="pictures">
    <h2>Pictures</h2>
    <p>The same seeds all along; with classes, one class a column and one seed a row.</p>
    <img id="grid" alt="a grid of generated pictures">
    <label><input id="when" type="range" min="0" max="0" value="0" aria-label="snapshot"> <span id="when-label"></span></label>
  </section>
  <section id="reconstructions" hidden>
    <h2>Reconstructions</h2>
    <p>Held-out pictures, each row above the same through encoder and generator, at the moment chosen above.</p>
    <img id="again" alt="held-out pictures above their reconstructions">
  </section>
  <section id="latent-walks"><h2>Walks</h2><div id="walks"></div></section>
  <section id="quality"><h2>Quality</h2><p>On held-out pictures; dashed: what real pictures score.</p>
    <div class="charts" id="metrics"></div></section>
  <section id="nearest" hidden><h2>Nearest training pictures</h2>
    <p>Top row: of 500 generated pictures those that are nearest to one training picture, compared with others. Below each its three nearest training pictures: a top row that repeats the second is copied.</p>
    <img id="neighbours" alt="generated pictures above the training pictures nearest to them"></section>
  <section><h2>Training</h2><div class="charts" id="training"></div></section>
  <section><h2>Config</h2><table id="config"></table></section>
</main>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>(${showReport.toString()})(${scriptJson(data)}, uPlot, ${watch});</script>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --first: #0b62d6; --second: #c2410c; --quiet: #667; --line: #e3e5ea; --paper: #fff; --ink: #16181d; --card: #f6f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --first: #6db1ff; --second: #ff9a5c; --quiet: #9aa0ad; --line: #2c3038; --paper: #14161a; --ink: #e8eaee; --card: #1c1f25; }
}
body { margin: 0 auto; max-width: 1120px; padding: 24px 16px 64px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 26px; } h2 { margin: 40px 0 4px; font-size: 19px; }
p { margin: 4px 0 12px; color: var(--quiet); } #live { color: var(--first); }
#facts { display: flex; flex-wrap: wrap; gap: 8px; }
.fact { background: var(--card); border-radius: 8px; padding: 8px 14px; font-size: 17px; font-variant-numeric: tabular-nums; }
.fact span { display: block; font-size: 12px; color: var(--quiet); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 20px; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; }
.chart figcaption span { margin-left: 8px; font-weight: 400; font-size: 13px; color: var(--quiet); }
.u-legend { font-size: 13px; text-align: left; }
img { image-rendering: pixelated; max-width: 100%; } #grid, #again { display: block; width: 640px; border-radius: 6px; }
#grid, #again, #neighbours { background: repeating-conic-gradient(var(--card) 0 25%, var(--paper) 0 50%) 0 0 / 16px 16px; }
#pictures label { display: flex; align-items: center; gap: 12px; max-width: 640px; } #when { flex: 1; }
#when-label { min-width: 12em; font-variant-numeric: tabular-nums; }
#walks { display: flex; flex-wrap: wrap; gap: 16px; } .walk img { display: block; border-radius: 6px; } .walk figcaption { font-weight: 400; font-size: 13px; color: var(--quiet); }
table { border-collapse: collapse; font-size: 14px; } th, td { text-align: left; font-weight: 400; padding: 3px 20px 3px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--quiet); }
`;
