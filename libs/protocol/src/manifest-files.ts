import type { ImageSpec } from './image.ts';
import type { FileRef, Manifest } from './manifest.ts';

/** All files that a manifest names, each content once. */
export function filesOfManifest(manifest: Manifest): FileRef[] {
  const { bundle, sourceMap, packages, images = [] } = manifest;
  const all = [bundle, sourceMap, ...(packages ? [packages] : []), ...images.flatMap(filesOfImage)];
  return [...new Map(all.map((file) => [file.digest, file])).values()];
}

/** The archives of an image. */
export function filesOfImage({ steps, packages, files = [] }: ImageSpec): FileRef[] {
  const inSteps = steps.flatMap((step) => {
    switch (step.type) {
      case 'dockerfile':
      case 'dockerfileCommands':
        return step.context ?? [];
      case 'files':
        return step.archive;
      case 'npmCi':
      case 'pnpm':
      case 'poetry':
        return step.files;
      case 'micromambaInstall':
        return step.files ?? [];
      case 'pip':
        return step.requirements ?? [];
      default:
        return [];
    }
  });
  return [...inSteps, ...(packages ? [packages] : []), ...files.map(({ archive }) => archive)];
}
