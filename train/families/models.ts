// From a recipe to the model it trains: the one place that tells families apart.
import type { Recipe } from '../recipe.ts';
import { encoderModel } from './encoder/model.ts';
import type { Model } from './family.ts';
import { ganModel } from './gan/model.ts';
import { transformerModel } from './transformer/model.ts';
import { vaeModel } from './vae/model.ts';

export function createModel(recipe: Recipe): Model {
  switch (recipe.family) {
    case 'gan':
      return ganModel(recipe);
    case 'vae':
      return vaeModel(recipe);
    case 'transformer':
      return transformerModel(recipe);
    case 'encoder':
      return encoderModel(recipe);
    default:
      return recipe.family satisfies never;
  }
}
