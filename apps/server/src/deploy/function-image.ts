import type { DeployRequest, FunctionImage, FunctionSpec, ImageSpec, PackagesRef } from '@gantry/protocol';

/** What a function's record says of its image: the built one, or what workers whose containers are plain processes need. */
export function functionImage(
  { manifest, images }: Pick<DeployRequest, 'manifest' | 'images'>,
  { options }: FunctionSpec,
): { packages: PackagesRef | undefined; image: FunctionImage | undefined } {
  const { packages } = manifest;
  const index = options.image;
  const spec = index === undefined ? undefined : manifest.images?.[index];
  const id = index === undefined ? undefined : images?.ids[index];
  if (id !== undefined) return { packages, image: { id, files: (spec?.files ?? []).map(placed) } };
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
  return [...copied, ...files].map(placed);
}

function placed({
  archive,
  remotePath,
}: NonNullable<ImageSpec['files']>[number]): FunctionImage['files'][number] {
  return { digest: archive.digest, remotePath };
}
