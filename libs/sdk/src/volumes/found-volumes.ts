import type { PoolOptions, VolumeMount, VolumeMountSpec, VolumeSummary } from '@gantry/protocol';

import type { Platform } from '../platform.ts';

/**
 * Options that a caller replaces, as they travel: with the ids of their volumes, those that are missing and to be made
 * being made.
 *
 * @param environment Of volumes that do not name theirs.
 * @throws NotFoundError for a volume that does not exist.
 */
export async function withFoundVolumes(
  options: PoolOptions,
  { objects }: Pick<Platform, 'objects'>,
  environment: string,
): Promise<PoolOptions> {
  if (!options.volumes) return options;
  const find = async ({ createIfMissing, ...given }: VolumeMountSpec): Promise<VolumeMount> => {
    const mount = { ...given, environment: given.environment ?? environment };
    const path = `/v1/volumes/${encodeURIComponent(mount.name)}?${new URLSearchParams({ environment: mount.environment })}`;
    const method = createIfMissing ? 'PUT' : 'GET';
    return { ...mount, volumeId: (await objects.json<VolumeSummary>(path, { method })).id };
  };
  return { ...options, volumes: await Promise.all(options.volumes.map(find)) };
}
