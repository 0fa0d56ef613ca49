import type { FunctionImage, FunctionSpec, Manifest } from '@gantry/protocol';

/** What a function's record says about its image; undefined for a function without one. */
export function functionImage(manifest: Manifest, { options }: FunctionSpec): FunctionImage | undefined {
  const image = options.image === undefined ? undefined : manifest.images?.[options.image];
  if (!image) return undefined;
  const files = (image.files ?? []).map(({ archive, remotePath }) => ({
    digest: archive.digest,
    remotePath,
  }));
  return { files };
}
