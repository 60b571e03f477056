// models/index.json: the models a site has, as the page's list shows them before any bundle is downloaded. Written by the
// build for static hosts; a server writes it from its own folder, so that it never names what is not there.
import * as z from 'zod/mini';
import { UserError } from './errors.ts';
import { generatorFile } from './lookup.ts';
import { type Manifest, messages, nameSchema } from './manifest.ts';
import { bundleVersion, versionSchema } from './version.ts';

const size = z.int().check(z.minimum(1));

const entrySchema = z.object({
  name: nameSchema,
  title: z.string(),
  /** A training is under way, or one has made no pictures yet: /v1/training/NAME has news, which the page asks for. */
  training: z.boolean(),
  /** `bundleVersion`: addresses of the API that name it are kept for ever. Absent where there is no bundle. */
  version: z.optional(versionSchema),
  /** Absent while a training has not made its first pictures yet. */
  bundle: z.optional(
    z.object({
      image: z.object({ width: size, height: size, channels: z.literal([1, 3, 4]) }),
      /** How many; 0 for a model without classes. */
      classes: z.int().check(z.minimum(0)),
      /** Of the file that is downloaded, before compression. */
      bytes: size,
    }),
  ),
});
export type ListedModel = z.infer<typeof entrySchema>;

/** In the order in which they are offered; the first is shown to who asked for none. */
export const modelListSchema = z.array(entrySchema);

/** The entry of what is known of a bundle; `bytes`: of the file that is downloaded. */
export function listedModel(
  known: Pick<Manifest, 'name' | 'title' | 'image' | 'classes'> & { version: string; bytes: number },
  training: boolean,
): ListedModel {
  const { name, title, version, image, classes, bytes } = known;
  return { name, title, training, version, bundle: { image, classes: classes.length, bytes } };
}

/** The entry of a bundle whose manifest is here. */
export async function listedBundle(manifest: Manifest, training: boolean): Promise<ListedModel> {
  const { bytes } = generatorFile(manifest);
  return listedModel({ ...manifest, version: await bundleVersion(manifest), bytes }, training);
}

/** Throws UserError when `json` is no such list. */
export function parseModelList(json: unknown): ListedModel[] {
  const parsed = modelListSchema.safeParse(json, messages);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `models/index.json ${issue?.path.join('.')}: expected a list of models, got ${issue?.message}; serve it with the pocketgen that built the page`,
  );
}
