// What pictures lie on, everywhere on the page: the ground measured from opaque ones; for transparent ones a checkerboard or
// a colour that the person chooses, kept for each model. Also what becomes of transparency in files that are saved.

import { readSetting, writeSetting } from '../../client/engine/device.ts';
import { backgroundName, type Colour, onBackground, parseBackground } from '../../contract/background.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { measureGround, pinnedPictures, seenOn } from '../pictures/ground.ts';
import { t } from '../texts.ts';
import { h } from './dom.ts';

const KINDS = ['checkerboard', 'white', 'black', 'page', 'own'] as const;
type Kind = (typeof KINDS)[number];

interface Choice {
  kind: Kind;
  /** The person's own colour: #rrggbb. */
  own: string;
  /** Saved files get the colour instead of alpha. */
  fill: boolean;
}

const FIRST: Choice = { kind: 'checkerboard', own: '#7fb4e6', fill: false };
const setting = (name: string) => `pocketgen.background.${name}`;

/** Rings around a chosen tile: the page's two accents, then what is seen on anything. */
const MARKS: readonly Colour[] = [
  [255, 154, 92],
  [184, 64, 11],
  [0, 0, 0],
  [255, 255, 255],
];

export interface Ground {
  /** The choice of backgrounds; hidden for opaque models. */
  readonly picker: HTMLElement;
  modelChanged(manifest: Manifest): void;
  /** The picture as it is to be saved: with its alpha, or on the chosen colour. */
  forSaving(picture: Picture): Picture;
  /** A check box for where something is saved: whether with the background; hidden where there is nothing to choose. */
  fillBox(): HTMLElement;
  /** One of them for every Save dialog: there is one at a time. */
  readonly dialogBox: HTMLElement;
}

export function createGround(): Ground {
  let name = '';
  let transparent = false;
  let choice = FIRST;
  /** Told of every change: the boxes live as long as the page. */
  const followers: (() => void)[] = [];

  const own = h('input', {
    type: 'color',
    tabindex: -1,
    'aria-hidden': 'true',
    oninput: () => choose({ ...choice, kind: 'own', own: own.value }),
  });
  const swatches = KINDS.map((kind) => {
    const input = h('input', {
      type: 'radio',
      name: 'background',
      value: kind,
      'aria-label': t(`bg-${kind}`),
      onchange: () => choose({ ...choice, kind }),
      // By a finger or the space bar: only those may open the dialog.
      onclick: () => kind === 'own' && openColours(own),
    });
    return h(
      'label',
      { class: `swatch swatch-${kind}`, title: t(`bg-${kind}`) },
      input,
      h('span', { 'aria-hidden': 'true' }),
      kind === 'own' && own,
    );
  });
  const picker = h(
    'div',
    { class: 'backgrounds', role: 'radiogroup', 'aria-label': t('background'), hidden: true },
    h('span', { class: 'backgrounds-label', 'aria-hidden': 'true' }, t('background')),
    ...swatches,
  );

  function choose(next: Choice): void {
    choice = next;
    writeSetting(setting(name), JSON.stringify(next));
    show();
  }

  function colour(): Colour | undefined {
    switch (choice.kind) {
      case 'white':
      case 'black':
        return solid(choice.kind);
      case 'own':
        return solid(choice.own);
      case 'page':
        return pageColour();
      case 'checkerboard':
        return undefined;
      default:
        return choice.kind satisfies never;
    }
  }

  function show(): void {
    for (const input of picker.querySelectorAll<HTMLInputElement>('input[type=radio]'))
      input.checked = input.value === choice.kind;
    own.value = choice.own;
    if (choice.kind === 'own') picker.style.setProperty('--own', choice.own);
    else picker.style.removeProperty('--own');
    const kind = choice.kind;
    // The page's own colour changes with its theme, so that one stays a name.
    paint(kind === 'checkerboard' || kind === 'page' ? undefined : colour(), kind === 'checkerboard');
    for (const update of followers) update();
  }

  function fillBox(): HTMLElement {
    const box = h('input', { type: 'checkbox', onchange: () => choose({ ...choice, fill: box.checked }) });
    const label = h('label', { class: 'check' }, box, t('fillSaved'));
    const update = () => {
      label.hidden = !transparent || choice.kind === 'checkerboard';
      box.checked = choice.fill;
    };
    update();
    followers.push(update);
    return label;
  }

  return {
    picker,
    fillBox,
    dialogBox: fillBox(),
    modelChanged(manifest) {
      name = manifest.name;
      transparent = manifest.image.channels === 4;
      picker.hidden = !transparent;
      choice = readChoice(name);
      show();
      if (!transparent) paint(measureGround(pinnedPictures(manifest)), false);
    },
    forSaving(picture) {
      const ground = transparent && choice.fill ? colour() : undefined;
      return ground === undefined ? picture : onBackground(picture, ground);
    },
  };
}

/** Refused where no person asked for it, and within some frames: the colour kept last stays. */
function openColours(input: HTMLInputElement): void {
  try {
    input.showPicker();
  } catch {
    // Nothing else is to be done.
  }
}

function readChoice(name: string): Choice {
  try {
    const kept = { ...FIRST, ...(JSON.parse(readSetting(setting(name)) ?? '{}') as Partial<Choice>) };
    return KINDS.includes(kept.kind) && /^#[0-9a-f]{6}$/.test(kept.own) ? kept : FIRST;
  } catch {
    return FIRST;
  }
}

function solid(text: string): Colour | undefined {
  const background = parseBackground(text);
  return background === 'checkerboard' ? undefined : background;
}

/** What the page's sheets have in the theme of the moment. */
function pageColour(): Colour | undefined {
  return solid(getComputedStyle(document.documentElement).getPropertyValue('--raised').trim());
}

/** Sets the colours that views.css uses; without a ground they are the page's own. */
function paint(ground: Colour | undefined, checkered: boolean): void {
  const { style, dataset } = document.documentElement;
  dataset.ground = checkered ? 'checkered' : ground === undefined ? 'page' : 'colour';
  const colours = {
    '--sheet': ground,
    '--on-sheet': ground && seenOn(ground, MARKS.slice(2)),
    '--mark': ground && seenOn(ground, MARKS),
  };
  for (const [property, value] of Object.entries(colours)) {
    if (value === undefined) style.removeProperty(property);
    else style.setProperty(property, `#${backgroundName(value)}`);
  }
}
