import type { ImageSpec } from '@gantry/protocol';

import type { EvaluatedApp, EvaluatedImage } from '../evaluated-app.ts';
import type { ImagePacker } from './image-packer.ts';

/**
 * Packs the images that an app's functions use: each once, in the order of the functions, equal ones as one. Returns
 * the app with its functions counting from the first of these.
 */
export async function packUsedImages(
  app: EvaluatedApp,
  evaluated: readonly EvaluatedImage[],
  packer: Pick<ImagePacker, 'pack'>,
): Promise<{ app: EvaluatedApp; images: ImageSpec[] }> {
  const images: ImageSpec[] = [];
  const places = new Map<string, number>();
  const placeOf = new Map<number, number>();
  for (const { image } of app.functions) {
    const draft = image === undefined ? undefined : evaluated[image];
    if (image === undefined || !draft || placeOf.has(image)) continue;
    const spec = await packer.pack(draft);
    const key = JSON.stringify([spec.steps, spec.files]);
    const place = places.get(key) ?? images.push(spec) - 1;
    places.set(key, place);
    placeOf.set(image, place);
  }
  const functions = app.functions.map((unit) => {
    const place = unit.image === undefined ? undefined : placeOf.get(unit.image);
    const { image: _, ...rest } = unit;
    return place === undefined ? rest : { ...rest, image: place };
  });
  return { app: { ...app, functions }, images };
}
