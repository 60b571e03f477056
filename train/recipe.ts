// A recipe is everything that decides a run besides the pictures. Presets are one table.
import { z } from 'zod';
import { UserError } from '../contract/errors.ts';
import type { PictureSet } from './data/types.ts';
import { encoderOptionsSchema } from './families/encoder/options.ts';
import { type FamilyName, TRAINED } from './families/family.ts';
import { FAMILY_SETTINGS, FAMILY_SIZES } from './families/settings.ts';
import { transformerOptionsSchema } from './families/transformer/options.ts';
import { VAE_DEFAULTS, vaeOptionsSchema } from './families/vae/options.ts';
import { AUGMENTATIONS } from './nn/augmentation.ts';
import { networkSpecSchema, pictureSizes } from './nn/spec.ts';

/** A value that moves along half a cosine from the first image to the last. */
const schedule = z.strictObject({ from: z.number().nonnegative(), to: z.number().nonnegative() });
export type Schedule = z.infer<typeof schedule>;

const probability = z.number().min(0).max(1);

/** Adam's decay rates: at 1 a moment would never move. */
const decay = z.number().min(0).max(0.9999);

export const recipeSchema = z.strictObject({
  preset: z.string(),
  /** Runs from before there was a second family do not name theirs. */
  family: z.enum(TRAINED).default('gan'),
  network: networkSpecSchema,
  loss: z.enum(['relativistic', 'bce']),
  /** R1 + R2 on every step, weighted by gamma. */
  penalty: z.boolean(),
  /** How the pictures that the discriminator sees are changed, and with what probability each; see nn/augmentation.ts. */
  augment: z.strictObject({
    kinds: z.array(z.enum(AUGMENTATIONS)),
    probability: z.strictObject({ from: probability, to: probability }),
  }),
  /** Show the discriminator half of the real pictures mirrored. */
  mirror: z.boolean(),
  batch: z.int().positive(),
  /** Real pictures shown in the whole run. */
  images: z.int().positive(),
  seed: z.int().min(0).max(0xffffffff),
  learningRate: schedule,
  beta1: decay,
  beta2: z.strictObject({ from: decay, to: decay }),
  gamma: schedule,
  /** Images after which a parameter counts half in the averaged generator. */
  emaHalfLife: schedule,
  /** The finished model that it went on from, after so many images of its own; the hash is that of what was carried. */
  from: z.strictObject({ name: z.string(), images: z.int().positive(), sha256: z.string() }).optional(),
  /** Family `vae` only. */
  vae: vaeOptionsSchema.optional(),
  /** Family `transformer` only. */
  transformer: transformerOptionsSchema.optional(),
  /** An encoder only. */
  encoder: encoderOptionsSchema.optional(),
});
/** Half of a Transformer's batch is drawn from nothing, the other half completed. */
const whole = recipeSchema.refine(({ family, batch }) => family !== 'transformer' || batch > 1, {
  path: ['batch'],
  message: 'Too small: expected number to be >=2',
});
export type Recipe = z.infer<typeof recipeSchema>;

type Preset = Omit<Recipe, 'preset' | 'seed' | 'network' | 'family' | 'encoder' | 'from'> & {
  family: FamilyName;
  /** Sizes that follow from the pictures are filled in from them. */
  network: Omit<Recipe['network'], 'resolution' | 'channels' | 'classes'> & { conditional: boolean };
};

const NONE: Recipe['augment'] = { kinds: [], probability: { from: 0, to: 0 } };

/** Small batches: at equal images, 16 and 32 came far ahead of 64, and a higher learning rate diverged (docs/LOG.md). */
const modern = {
  family: 'gan',
  loss: 'relativistic',
  penalty: true,
  augment: NONE,
  mirror: false,
  beta1: 0,
  beta2: { from: 0.99, to: 0.99 },
  gamma: { from: 2, to: 0.2 },
} as const;

const residual = {
  family: 'residual',
  conditional: true,
  latent: 64,
  embedding: 32,
  features: 128,
  limit: 'tanh',
} as const;

/** What minutes to hours on two cores can train. */
const small = { ...residual, width: 32, fullWidth: 16, generatorBlocks: 2, discriminatorBlocks: 1 } as const;

export const PRESETS: Readonly<Record<string, Preset>> = {
  /** A few minutes on two cores: what `npm start` trains. */
  quick: {
    ...modern,
    network: small,
    batch: 16,
    images: 100_000,
    learningRate: { from: 4e-4, to: 5e-5 },
    emaHalfLife: { from: 500, to: 5_000 },
  },
  /** The shipped model. */
  'fashion-gan': {
    ...modern,
    network: { ...residual, width: 48, fullWidth: 0, generatorBlocks: 2, discriminatorBlocks: 1 },
    batch: 32,
    images: 1_500_000,
    learningRate: { from: 5e-4, to: 2e-5 },
    emaHalfLife: { from: 1_000, to: 20_000 },
  },
  /** An autoencoder of the same data; sub-pixels drawn alone would leave a weave in it for most of the run. */
  'fashion-vae': {
    ...modern,
    ...FAMILY_SETTINGS.vae,
    vae: { ...VAE_DEFAULTS, adversarialFrom: 1 / 6, flowFrom: 2 / 3 },
    network: { ...residual, width: 48, fullWidth: 16, generatorBlocks: 2, discriminatorBlocks: 1 },
    batch: 32,
    images: 1_200_000,
    learningRate: { from: 5e-4, to: 2e-5 },
    emaHalfLife: { from: 1_000, to: 20_000 },
  },
  /** The same data as tokens. */
  'fashion-transformer': {
    ...modern,
    ...FAMILY_SETTINGS.transformer,
    network: { ...residual, width: 48, fullWidth: 16, generatorBlocks: 2, discriminatorBlocks: 1 },
    batch: 32,
    images: 2_000_000,
    learningRate: { from: 5e-4, to: 2e-5 },
    emaHalfLife: { from: 1_000, to: 20_000 },
  },
  /** Own pictures: augmentation and budget follow from them, see `autoSettings`. */
  auto: {
    ...modern,
    network: small,
    batch: 16,
    images: 1_000_000,
    learningRate: { from: 4e-4, to: 2e-5 },
    emaHalfLife: { from: 500, to: 10_000 },
  },
  /** The 2014 recipe of the article this project started from, unconditional, batch normalisation in the generator; the baseline. */
  classic: {
    family: 'gan',
    network: {
      family: 'strided',
      conditional: false,
      latent: 100,
      width: 64,
      fullWidth: 0,
      generatorBlocks: 1,
      discriminatorBlocks: 1,
      embedding: 1,
      features: 1,
      limit: 'tanh',
      strided: {
        dense: [256, 512, 1024],
        generator: [128, 64],
        discriminator: [32, 64, 128],
        kernel: 5,
        normalise: true,
      },
    },
    loss: 'bce',
    penalty: false,
    augment: NONE,
    mirror: false,
    batch: 64,
    images: 200_000,
    learningRate: { from: 1e-4, to: 1e-4 },
    // Radford et al. 2015.
    beta1: 0.5,
    beta2: { from: 0.999, to: 0.999 },
    gamma: { from: 0, to: 0 },
    // No averaging: the half-life of less than an image makes the average the generator itself.
    emaHalfLife: { from: 0, to: 0 },
  },
};

const ANY_FAMILY: readonly string[] = ['quick', 'auto'];

/** More pictures than this teach enough by themselves. */
const AUGMENT_BELOW = 20_000;

/** What preset `auto` begins with from a size on that the family names, see families/settings.ts. */
const SLOWER: Schedule = { from: 1e-4, to: 2e-5 };

/** What preset `auto` takes from the pictures; the sweeps behind it are in docs/LOG.md. */
function autoSettings(
  { count, width }: Pick<PictureSet, 'count' | 'width'>,
  family: FamilyName,
): Pick<Preset, 'augment'> & Partial<Preset> {
  const slower = width >= FAMILY_SIZES[family].slowerFrom ? { learningRate: SLOWER } : {};
  if (count >= AUGMENT_BELOW) return { augment: NONE, ...slower };
  const to = count > 10_000 ? 0.3 : count > 1_000 ? 0.55 : 0.8;
  return {
    // Not `colour`: signs that are blue, red or purple come out blue, and the distance falls half as fast (docs/LOG.md).
    augment: { kinds: ['shift', 'scale', 'aspect'], probability: { from: 0, to } },
    ...slower,
  };
}

export type RecipeOverrides = Partial<
  Pick<Recipe, 'batch' | 'images' | 'seed' | 'mirror' | 'gamma' | 'learningRate' | 'beta2' | 'emaHalfLife'> & {
    family: FamilyName;
    width: number;
    /** Bits in the latent of an autoencoder. */
    rate: number;
    augment: Recipe['augment']['kinds'];
    augmentProbability: Schedule;
  }
>;

/** The preset's recipe for these pictures. Throws UserError for a preset that does not exist, listing those that do. */
export function recipeFor(
  presetName: string,
  pictures: Pick<PictureSet, 'width' | 'height' | 'channels' | 'classes' | 'count'>,
  overrides: RecipeOverrides = {},
): Recipe {
  const found = Object.hasOwn(PRESETS, presetName) ? PRESETS[presetName] : undefined;
  if (!found) throw new UserError(`preset: expected one of ${Object.keys(PRESETS).join(', ')}, got ${presetName}`);
  const { width: networkWidth, rate, augment: kinds, augmentProbability, family = found.family, ...rest } = overrides;
  // Presets that are for any pictures are for any family.
  if (family !== found.family && !ANY_FAMILY.includes(presetName))
    throw new UserError(
      `family: expected ${found.family} with preset ${presetName}, got ${family}; leave it out or take preset ${ANY_FAMILY.join(' or ')}`,
    );
  const preset = {
    ...found,
    ...(family === found.family ? {} : FAMILY_SETTINGS[family]),
    ...(presetName === 'auto' ? autoSettings(pictures, family) : {}),
  };
  const { conditional, ...network } = preset.network;
  const { width, height, channels, classes } = pictures;
  const side = pictureSizes.find((known) => known === width);
  const sizes = FAMILY_SIZES[family];
  if (width !== height || side === undefined) {
    throw new UserError(
      `pictures: expected squares of ${pictureSizes.join(', ')} pixels, got ${width}x${height}; load them with --size`,
    );
  }
  if (rest.gamma && !preset.penalty)
    throw new UserError(
      `gamma: expected a preset with gradient penalties, got ${presetName}, which has none; leave it out`,
    );
  if (rate !== undefined && !preset.vae)
    throw new UserError(`rate: expected family vae with it, got ${family}, which has none; leave it out`);
  if (networkWidth !== undefined && network.strided)
    throw new UserError(
      `width: expected a preset of residual networks, got ${presetName}, whose layers are listed; leave it out`,
    );
  const given: Record<string, unknown> = {
    seed: 1,
    ...preset,
    ...rest,
    preset: presetName,
    ...(rate === undefined ? {} : { vae: { ...preset.vae, rate } }),
    augment: {
      kinds: kinds ?? preset.augment.kinds,
      probability: augmentProbability ?? preset.augment.probability,
    },
    network: {
      ...network,
      ...(networkWidth === undefined
        ? {}
        : { width: networkWidth, fullWidth: Math.round((network.fullWidth * networkWidth) / network.width) }),
      ...(presetName === 'auto' && sizes.clips ? { limit: 'clip' } : {}),
      ...(sizes.latent ? { latent: sizes.latent(side) } : {}),
      resolution: side,
      channels,
      // One class teaches a conditional network nothing.
      classes: conditional && classes.length > 1 ? classes.length : 0,
    },
  };
  return checked(whole, given);
}

const BOUNDS = { '<': 'below', '<=': 'of at most', '>': 'above', '>=': 'of at least' } as const;

/** @throws UserError naming the first value that is not as it should be */
export function checked<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const { path = [], message = 'not valid' } = parsed.error.issues[0] ?? {};
  const got = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], given);
  // zod: `Too big: expected number to be <=0.9999`.
  const expected = message
    .replace(/^[^:]*: /, '')
    .replace(/, received .*$/, '')
    .replace(/number to be ([<>]=?)/, (_, sign: keyof typeof BOUNDS) => `a number ${BOUNDS[sign]} `);
  throw new UserError(`recipe ${path.join('.')}: ${expected}, got ${JSON.stringify(got)}`);
}

/** Value of a schedule after a fraction of the run. */
export function scheduled({ from, to }: Schedule, fraction: number): number {
  return to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, fraction)));
}
