import type { FunctionImage, FunctionSpec, ImageSpec, Manifest, PackagesRef } from '@gantry/protocol';

/** What a function's record says of its image, for workers whose containers are plain processes. */
export function functionImage(
  { images, packages }: Manifest,
  { options }: FunctionSpec,
): { packages: PackagesRef | undefined; image: FunctionImage | undefined } {
  const spec = options.image === undefined ? undefined : images?.[options.image];
  if (!spec) return { packages, image: undefined };
  return { packages: spec.packages ?? packages, image: { env: envOf(spec), files: filesOf(spec) } };
}

function envOf({ steps }: ImageSpec): Record<string, string> {
  return Object.assign({}, ...steps.map((step) => (step.type === 'env' ? step.variables : {}))) as Record<
    string,
    string
  >;
}

// Copied ones come first: what is attached when a container starts lies on top of them.
function filesOf({ steps, files = [] }: ImageSpec): FunctionImage['files'] {
  const copied = steps.filter((step) => step.type === 'files');
  return [...copied, ...files].map(({ archive, remotePath }) => ({ digest: archive.digest, remotePath }));
}
