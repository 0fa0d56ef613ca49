import type { EnvironmentDirectory, Registry } from '@gantry/messaging';
import { type EnvironmentsRecord, registryKeys } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { CollectionKeeper } from '../collections/collection-keeper.ts';
import type { EnvironmentObjects } from '../environments/environment-objects.ts';
import { RepeatedSweep } from './repeated-sweep.ts';

const EVERY_MS = 5_000;
/** Longer than any request that found the environment takes to put something into it. */
const KEPT_MS = 600_000;

export interface EnvironmentSweepOptions {
  messaging: { registry: Pick<Registry, 'update'> };
  environments: Pick<EnvironmentDirectory, 'deleted' | 'refresh'>;
  objects: Pick<EnvironmentObjects, 'remove'>;
  collections: Pick<CollectionKeeper, 'removeAllOf'>;
  log: Logger;
}

/** Removes, while this server leads, what is still in environments that were deleted, or gets into them late. */
export function startEnvironmentSweeps(options: EnvironmentSweepOptions): RepeatedSweep {
  return new RepeatedSweep({
    everyMs: EVERY_MS,
    sweep: () => sweepDeletedEnvironments(options, Date.now()),
    what: 'deleted environments',
    log: options.log,
  });
}

/** Resolves to how many of them are forgotten: in those nothing can get any more. */
export async function sweepDeletedEnvironments(
  { messaging, environments, objects, collections }: Omit<EnvironmentSweepOptions, 'log'>,
  nowMs: number,
): Promise<number> {
  const deleted = environments.deleted();
  if (deleted.length === 0) return 0;
  for (const { id, name } of deleted) {
    await objects.remove(id, `the environment "${name}" was deleted`);
    await collections.removeAllOf(id);
  }
  const over = new Set(
    deleted.filter(({ deletedAtMs }) => nowMs - deletedAtMs > KEPT_MS).map(({ id }) => id),
  );
  if (over.size === 0) return 0;
  const { value, revision } = await environments.refresh();
  const left: EnvironmentsRecord = { ...value, deleted: value.deleted.filter(({ id }) => !over.has(id)) };
  // Next time, if somebody else changed it now.
  return (await messaging.registry.update(registryKeys.environments, left, revision)) ? over.size : 0;
}
