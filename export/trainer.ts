// What another training can go on from, out of a bundle, and the generator that is in it. Apart from open.ts, which serves without tfjs.
import { UserError } from '../contract/errors.ts';
import type { Manifest } from '../contract/manifest.ts';
import { pictureOptionsSchema } from '../train/data/types.ts';
import { createModel } from '../train/families/models.ts';
import { under } from '../train/nn/tensors.ts';
import { type Recipe, recipeSchema } from '../train/recipe.ts';
import { decodeTrainer, type NamedTrainer } from '../train/trainer.ts';
import { readManifest, readNetwork } from './open.ts';
import type { TrainedGenerator } from './weights.ts';

export interface BundledTrainer extends NamedTrainer {
  /** SHA-256 of the pictures it was trained on. */
  readonly trainedOn: string;
}

/** What another training can go on from. @throws UserError for a bundle that was exported without it, or is damaged */
export async function readTrainer(dir: string, manifest: Manifest = readManifest(dir)): Promise<BundledTrainer> {
  const entry = manifest.files.find(({ role }) => role === 'trainer');
  if (!entry)
    throw new UserError(
      `bundle ${dir}: expected one that training can go on from, got one without a trainer file; export its run with --trainer`,
    );
  const trainer = decodeTrainer(await readNetwork(dir, entry));
  return { name: manifest.name, trainer, trainedOn: manifest.training.dataset.sha256 };
}

/**
 * The generator of a bundle's trainer file, to be exported anew: in 16 bits a number, and after all images where the bundle may hold an
 * earlier snapshot.
 *
 * @throws UserError as readTrainer, and for a bundle whose encoder was trained by itself, which no trainer file holds
 */
export async function loadExported(dir: string): Promise<TrainedGenerator> {
  const manifest = readManifest(dir);
  const { trainer } = await readTrainer(dir, manifest);
  const { classes, images } = trainer;
  const recipe = guidedAs(manifest, trainer.recipe);
  const model = createModel(recipe);
  if (manifest.encoder && !model.encode)
    throw new UserError(`bundle ${dir}: expected one without an encoder of its own, got one; export its run`);
  const { dataset, config } = manifest.training;
  const options = pictureOptionsSchema.optional().parse(config.pictures);
  return {
    config: { recipe, dataset: { ...dataset, classes, ...(options && { options }) } },
    model,
    weights: under('ema', trainer.values),
    imagesSeen: images,
    origin: 'trainer of a bundle',
  };
}

/** A bundle may be guided otherwise than its training was. */
function guidedAs({ training }: Manifest, recipe: Recipe): Recipe {
  const exported = recipeSchema.shape.transformer.catch(undefined).parse(training.config.transformer);
  const { transformer } = recipe;
  return exported && transformer ? { ...recipe, transformer: { ...transformer, guidance: exported.guidance } } : recipe;
}
