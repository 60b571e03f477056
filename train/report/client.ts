// The report's script. It runs in the browser: page.ts writes this function's own source into the page, so it may refer
// to nothing outside itself but its parameters.
import type uPlot from 'uplot';
import type { ReportData } from './data.ts';

export function showReport(initial: ReportData, Plot: typeof uPlot, watch: boolean): void {
  const charts: {
    title: string;
    from: 'training' | 'metrics';
    names: string[];
    /** Ends of the first name's interval. */
    interval?: [string, string];
    log?: boolean;
    note: string;
  }[] = [
    {
      title: 'FID',
      from: 'metrics',
      names: ['fid'],
      log: true,
      note: 'distance to held-out pictures; lower is better',
    },
    {
      title: 'KID',
      from: 'metrics',
      names: ['kid'],
      interval: ['kidLow', 'kidHigh'],
      log: true,
      note: 'distance by a kernel, with its 95 % interval; lower is better',
    },
    {
      title: 'Precision and recall',
      from: 'metrics',
      names: ['precision', 'recall'],
      note: 'looks real; draws all there is',
    },
    {
      title: 'Density and coverage',
      from: 'metrics',
      names: ['density', 'coverage'],
      note: 'the same, less upset by outliers',
    },
    { title: 'GAN-test', from: 'metrics', names: ['ganTest'], note: 'share the judge puts into the class asked for' },
    {
      title: 'Near copies',
      from: 'metrics',
      names: ['nearCopies'],
      note: 'share that repeats a training picture; dashed: training pictures that repeat another',
    },
    {
      title: 'Fine detail',
      from: 'metrics',
      names: ['upperThird', 'nyquist'],
      note: 'power over real pictures, dB: upper third of frequencies, checkerboard',
    },
    {
      title: 'Reconstruction',
      from: 'training',
      names: ['l1'],
      note: 'mean absolute error of a pixel, as a share of its range',
    },
    {
      title: 'Latents',
      from: 'training',
      names: ['latents'],
      note: 'squared error of a generated picture’s latent; 1: nothing is known of it',
    },
    { title: 'Rate', from: 'training', names: ['rate'], note: 'bits that the latent of a picture carries' },
    {
      title: 'KL term',
      from: 'training',
      names: ['kl'],
      note: 'of the loss: what the rate costs, its weight set by the hold on the rate',
    },
    {
      title: 'Distance in the discriminator',
      from: 'training',
      names: ['features'],
      note: 'of a reconstruction’s last map from its picture’s, over that map’s mean square',
    },
    {
      title: 'Tokens',
      from: 'training',
      names: ['bits', 'completion'],
      note: 'bits to tell the tokens of a picture, from nothing and beside a part of it',
    },
    { title: 'Codes', from: 'training', names: ['codes'], note: 'different tokens in a batch' },
    { title: 'Flow', from: 'training', names: ['flow'], note: 'squared error of the prior’s velocity' },
    { title: 'Losses', from: 'training', names: ['lossD', 'lossG'], note: 'discriminator and generator' },
    {
      title: 'Gradient penalties',
      from: 'training',
      names: ['r1', 'r2'],
      log: true,
      note: 'squared gradient at real and generated pictures',
    },
    { title: 'Images per second', from: 'training', names: ['imagesPerSecond'], note: 'mean of this session' },
    { title: 'Learning rate', from: 'training', names: ['learningRate'], note: 'as scheduled' },
    { title: 'Penalty weight γ', from: 'training', names: ['gamma'], note: 'as scheduled' },
  ];
  const css = getComputedStyle(document.documentElement);
  const colour = (name: string): string => css.getPropertyValue(name).trim();
  const strokes = [colour('--first'), colour('--second')];
  const number = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 4 });

  const make = (tag: string, className: string, text = ''): HTMLElement => {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return element;
  };
  const place = (id: string): HTMLElement => {
    const found = document.getElementById(id);
    if (!found) throw new Error(`report: expected an element #${id}`);
    return found;
  };

  const drawn = new Map<string, uPlot>();

  const drawChart = (data: ReportData, chart: (typeof charts)[number]): void => {
    const { images, series } = data[chart.from];
    const names = chart.names.filter((name) => series[name]?.some((value) => value !== null));
    if (names.length === 0) return;
    // On a logarithmic axis there is no place for 0 or the slightly negative values an unbiased KID may take.
    const shown = (name: string): (number | null)[] =>
      (series[name] ?? []).map((v) => (chart.log && v !== null && v <= 0 ? null : v));
    const values = names.map(shown);
    const [low, high] = chart.interval ?? [];
    const drawsBand = low !== undefined && high !== undefined && series[low] !== undefined;
    // An interval that reaches 0 goes down to the bottom of the chart: a tenth of the smallest value.
    const smallest = Math.min(...values.flat().filter((v) => v !== null));
    const band = drawsBand
      ? [shown(low).map((v, i) => (v === null && values[0]?.[i] !== null ? smallest / 10 : v)), shown(high)]
      : [];
    const ideal = names.flatMap((name) => {
      // Real pictures' distance is 0 but for chance: the end of its interval is what they may score.
      const value = data.real[high ?? name];
      return value === undefined || (chart.log && value <= 0) ? [] : [{ name, line: images.map(() => value) }];
    });
    const columns = [images, ...values, ...ideal.map(({ line }) => line), ...band] as uPlot.AlignedData;
    const old = drawn.get(chart.title);
    if (old && old.series.length === columns.length) {
      old.setData(columns);
      return;
    }
    old?.destroy();
    const id = `chart-${chart.title}`;
    const figure = document.getElementById(id) ?? make('figure', 'chart');
    if (!figure.id) {
      figure.id = id;
      const caption = make('figcaption', '', chart.title);
      caption.append(make('span', '', chart.note));
      figure.append(caption);
      place(chart.from).append(figure);
    }
    const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line') }, ticks: { stroke: colour('--line') } };
    const plot = new Plot(
      {
        width: figure.clientWidth,
        height: 200,
        scales: { x: { time: false }, y: chart.log ? { distr: 3 } : {} },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => (tick >= 1000 ? `${tick / 1000}k` : String(tick))) },
          { ...axis, size: 72, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : number(tick))) },
        ],
        series: [
          { label: 'images', value: (_, value) => (value === null ? '' : number(value)) },
          ...names.map((name, i) => ({
            label: name,
            stroke: strokes[i] ?? 'gray',
            width: 2,
            points: { show: images.length < 60 },
            value: (_: uPlot, value: number | null) => (value === null ? '' : number(value)),
          })),
          ...ideal.map(({ name }, i) => ({
            label: high === undefined ? `${name} of real pictures` : 'real pictures, at most',
            stroke: strokes[names.indexOf(name)] ?? strokes[i] ?? 'gray',
            width: 1,
            dash: [4, 4],
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '' : number(value)),
          })),
          ...band.map((_, i) => ({
            label: i === 0 ? 'from' : 'to',
            stroke: 'transparent',
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '' : number(value)),
          })),
        ],
        ...(drawsBand && {
          bands: [{ series: [columns.length - 1, columns.length - 2] as [number, number], fill: `${strokes[0]}33` }],
        }),
      },
      columns,
      figure,
    );
    drawn.set(chart.title, plot);
  };

  const drawFacts = (data: ReportData): void => {
    const { training, metrics } = data;
    const last = (columns: typeof training, name: string): number | undefined =>
      columns.series[name]?.at(-1) ?? undefined;
    const done = Math.max(0, training.images.at(-1) ?? 0, data.samples.at(-1)?.images ?? 0);
    const seconds = last(training, 'seconds');
    const [measure, name] = metrics.series.fid ? (['fid', 'FID'] as const) : (['kid', 'KID'] as const);
    const distances = metrics.series[measure] ?? [];
    const best = distances.reduce<number>((at, d, i) => ((d ?? Infinity) < (distances[at] ?? Infinity) ? i : at), 0);
    const facts: [string, string][] = [
      ['images', `${number(done)} of ${number(data.imagesInAll)}`],
      [
        'time',
        seconds === undefined ? '–' : seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`,
      ],
      ['images/s', number(last(training, 'imagesPerSecond') ?? 0)],
    ];
    const distance = distances[best];
    if (typeof distance === 'number')
      facts.push([`lowest ${name}`, `${number(distance)} at ${number(metrics.images[best] ?? 0)}`]);
    const coverage = metrics.series.coverage?.[best];
    if (typeof coverage === 'number') {
      const of = data.real.coverage;
      facts.push(['coverage then', of === undefined ? number(coverage) : `${number(coverage)} (real ${number(of)})`]);
    }
    const copies = metrics.series.nearCopies?.[best];
    if (typeof copies === 'number') facts.push(['near copies then', `${number(100 * copies)} %`]);
    const ganTest = metrics.series.ganTest?.[best];
    if (typeof ganTest === 'number') facts.push(['GAN-test then', number(ganTest)]);
    place('facts').replaceChildren(
      ...facts.map(([name, value]) => {
        const fact = make('div', 'fact', value);
        fact.prepend(make('span', '', name));
        return fact;
      }),
    );
  };

  const slider = place('when') as HTMLInputElement;
  let { samples, again } = initial;
  const drawSample = (): void => {
    const sample = samples[Number(slider.value)];
    place('pictures').hidden = !sample;
    if (!sample) return;
    (place('grid') as HTMLImageElement).src = sample.source;
    // Sheets of both kinds are drawn at once, but a run may be older than the second kind.
    const pairs = again.findLast(({ images }) => images <= sample.images);
    place('reconstructions').hidden = !pairs;
    if (pairs) (place('again') as HTMLImageElement).src = pairs.source;
    place('when-label').textContent = `after ${number(sample.images)} images`;
  };
  const drawSamples = (data: ReportData): void => {
    const atEnd = Number(slider.value) >= samples.length - 1;
    ({ samples, again } = data);
    slider.max = String(Math.max(0, samples.length - 1));
    if (atEnd) slider.value = slider.max;
    drawSample();
  };
  slider.addEventListener('input', drawSample);

  const drawWalks = (data: ReportData): void => {
    place('latent-walks').hidden = data.walks.length === 0;
    place('walks').replaceChildren(
      ...data.walks.map(({ label, source }) => {
        const figure = make('figure', 'walk');
        const image = document.createElement('img');
        image.src = source;
        image.alt = label;
        figure.append(image, make('figcaption', '', label));
        return figure;
      }),
    );
  };

  const drawNeighbours = ({ neighbours }: ReportData): void => {
    place('nearest').hidden = neighbours === undefined;
    if (neighbours !== undefined) (place('neighbours') as HTMLImageElement).src = neighbours;
  };

  const drawConfig = (data: ReportData): void => {
    place('config').replaceChildren(
      ...data.config.map(([name, value]) => {
        const row = make('tr', '');
        row.append(make('th', '', name), make('td', '', value));
        return row;
      }),
    );
  };

  const draw = (data: ReportData): void => {
    drawFacts(data);
    for (const chart of charts) drawChart(data, chart);
    place('quality').hidden = data.metrics.images.length === 0;
    drawSamples(data);
  };
  place('title').textContent = initial.title;
  place('note').textContent = initial.note;
  place('quality').hidden = initial.metrics.images.length === 0;
  slider.value = slider.max = String(Math.max(0, initial.samples.length - 1));
  draw(initial);
  drawWalks(initial);
  drawNeighbours(initial);
  drawConfig(initial);
  addEventListener('resize', () => {
    for (const plot of drawn.values())
      plot.setSize({ width: plot.root.parentElement?.clientWidth ?? 400, height: 200 });
  });

  if (!watch) return;
  const poll = async (): Promise<void> => {
    try {
      const response = await fetch('data.json', { cache: 'no-store' });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      draw((await response.json()) as ReportData);
      place('live').textContent = 'live';
    } catch {
      place('live').textContent = 'the server has stopped';
    }
    setTimeout(poll, 2000);
  };
  setTimeout(poll, 2000);
}
