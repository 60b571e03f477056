// How it works: some sentences on the model's family, the network drawn from the model file, and the training record of the bundle.
import { z } from 'zod';
import { Dropped } from '../../client/engine/queue.ts';
import type { Manifest, Snapshot } from '../../contract/manifest.ts';
import type { Network, Shape, Step } from '../files/network.ts';
import { t } from '../texts.ts';
import { MEASURE_NAMES, measuresOf, measureText, number, showCurve } from '../ui/curve.ts';
import { h } from '../ui/dom.ts';
import type { App, View } from '../ui/view.ts';
import { words } from './texts.ts';

type WordKey = Parameters<typeof words>[0];

export function createHow(app: App): View {
  const sentences = h('ol', { class: 'sentences' });
  const network = h('div', { class: 'part' });
  const training = h('div', { class: 'part' });
  const element = h('div', { class: 'view prose' }, h('h2', {}, words('howTitle')), sentences, training, network);
  let generation = 0;

  async function drawNetwork(): Promise<void> {
    const mine = ++generation;
    network.replaceChildren(h('h2', {}, words('network')));
    try {
      const model = app.model;
      const signal = new AbortController().signal;
      const [{ readNetwork }, bytes] = await Promise.all([
        import('../files/network.ts'),
        model.read({ signal, onProgress: () => undefined, onDamaged: () => undefined }),
      ]);
      if (mine !== generation) return;
      const read = readNetwork(bytes);
      network.append(
        h('p', { class: 'hint' }, words('networkHelp', { nodes: number(read.nodes), params: number(read.parameters) })),
        networkList(read, app.manifest.image.height),
      );
    } catch (error) {
      if (!(error instanceof Dropped) && mine === generation) app.fail(error);
    }
  }

  async function drawTraining(): Promise<void> {
    const { training: facts, license, metrics } = app.manifest;
    const { history = [], snapshots = [] } = metrics ?? {};
    const curve = h('div', { class: 'curve' });
    training.replaceChildren(
      h('h2', {}, t('training')),
      h('p', {}, words('trainedOn', { data: facts.dataset.name, images: number(facts.imagesSeen) })),
      measuresOf(history).length > 0 ? curve : h('p', { class: 'hint' }, words('noCurve')),
      ...measuredLines(app.manifest),
      ...(snapshots.length > 0 ? [snapshotStrip(snapshots)] : []),
      h('p', { class: 'hint' }, words('license', { license })),
    );
    if (curve.isConnected) await showCurve(curve, history);
  }

  return {
    element,
    update(changed) {
      if (!changed.has('view') && !changed.has('model')) return;
      sentences.replaceChildren(
        ...sentencesOn(app.manifest.kind).map((key) => h('li', {}, words(key, { latent: app.manifest.latent.size }))),
      );
      void drawNetwork();
      void drawTraining();
    },
    refresh() {
      void drawTraining();
    },
    leave() {
      generation++;
    },
  };
}

/** What is told of a family; of one that this page does not know, what is true of all. */
const HOW: Readonly<Record<string, readonly WordKey[]>> = {
  gan: ['gan-1', 'gan-2', 'gan-3', 'gan-4', 'gan-5'],
  transformer: ['transformer-1', 'transformer-2', 'transformer-3', 'transformer-4'],
  vae: ['vae-1', 'vae-2', 'vae-3', 'vae-4', 'vae-5'],
};
const sentencesOn = (kind: string): readonly WordKey[] =>
  Object.hasOwn(HOW, kind) ? (HOW[kind] ?? []) : ['other-1', 'other-2'];

const measuresSchema = z.object({
  samples: z.number(),
  kid: z.number().optional(),
  coverage: z.number().optional(),
  nearCopies: z.number().optional(),
});
/** What the page reads of an evaluation that was recorded in the bundle. */
const evaluationSchema = z.object({ generated: measuresSchema, real: measuresSchema });

/** Quality of the weights that the page draws with, beside what real pictures that were held out have. */
function measuredLines({ metrics, defaultVariant }: Manifest): HTMLElement[] {
  const recorded = metrics?.evaluations.find(({ dtype }) => dtype === defaultVariant);
  const { success, data } = evaluationSchema.safeParse(recorded);
  if (!success) return [];
  const { generated, real } = data;
  const lines = (['kid', 'coverage', 'nearCopies'] as const).flatMap((measure) => {
    const [made, held] = [generated[measure], real[measure]];
    if (made === undefined || held === undefined) return [];
    const values = { made: measureText(measure, made), held: measureText(measure, held) };
    return [h('li', {}, `${t(MEASURE_NAMES[measure])}: `, words('madeAndHeld', values))];
  });
  return [h('p', {}, words('measuredOn', { n: number(generated.samples) })), h('ul', { class: 'measured' }, ...lines)];
}

/** More than these are looked at by who asks for them: a Transformer has hundreds, nearly all alike. */
const MOST_STEPS = 100;

function networkList(network: Network, pictureHeight: number): HTMLElement {
  const list = h('ol', { class: 'network' }, ...network.steps.map((step) => networkStep(step, pictureHeight)));
  const { length } = network.steps;
  return length <= MOST_STEPS ? list : h('details', {}, h('summary', {}, words('steps', { n: length })), list);
}

function networkStep(step: Step, pictureHeight: number): HTMLElement {
  const key = `op-${step.operator}` as WordKey;
  const also = step.with.filter((name) => name !== 'Reshape');
  const notes = [
    shapeText(step.shape),
    step.parameters > 0 ? words('learned', { n: number(step.parameters) }) : '',
    also.join(', '),
  ];
  return h(
    'li',
    {},
    h('span', { class: 'block-holder' }, block(step.shape, pictureHeight)),
    h(
      'span',
      {},
      h('b', {}, step.operator),
      ` ${words(key)}`,
      h('small', {}, notes.filter((note) => note !== '').join(' · ')),
    ),
  );
}

function shapeText(shape: Shape | undefined): string {
  if (shape === undefined) return '';
  const [c = 0, height, width] = shape;
  return height === undefined || width === undefined
    ? words('shapeVector', { n: number(c) })
    : words('shapeMap', { c: number(c), h: height, w: width });
}

/** A block as large as the picture is at that step, and as deep as it has layers; a bar for a plain list of numbers. */
function block(shape: Shape | undefined, pictureHeight: number): HTMLElement {
  const [c = 1, height, width] = shape ?? [];
  const element = h('span', { class: 'block' });
  if (height === undefined || width === undefined) {
    element.style.width = '6px';
    element.style.height = `${8 + Math.min(40, c / 4)}px`;
    return element;
  }
  const side = 10 + (34 * height) / pictureHeight;
  element.style.width = `${side}px`;
  element.style.height = `${side}px`;
  const layers = Math.min(7, Math.round(Math.log2(c + 1)));
  element.style.boxShadow = Array.from({ length: layers - 1 }, (_, i) => {
    const at = (i + 1) * 3;
    return `${at - 1}px ${1 - at}px 0 -1px var(--paper), ${at}px ${-at}px 0 -1px var(--soft)`;
  }).join(', ');
  return element;
}

function snapshotStrip(snapshots: readonly Snapshot[]): HTMLElement {
  return h(
    'ol',
    { class: 'snapshots' },
    ...snapshots.map(({ images, png }) => {
      const label = words('snapshotAt', { images: number(images) });
      return h(
        'li',
        {},
        h('img', { class: 'pixels', src: `data:image/png;base64,${png}`, alt: words('snapshotAlt') }),
        h('small', {}, label),
      );
    }),
  );
}
