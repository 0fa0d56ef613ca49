import type { Messaging } from '@gantry/messaging';
import type { VolumeDirectory } from '@gantry/volumes';

import type { Logger } from '@gantry/telemetry';

import { RepeatedSweep } from './repeated-sweep.ts';

const EVERY_MS = 60_000;
/** So long whoever made one has to say that he holds it. */
const FIRST_HOLD_MS = 30_000;

export interface VolumeSweepOptions {
  volumes: Pick<VolumeDirectory, 'ephemeral' | 'removeEphemeral'>;
  messaging: { leases: Pick<Messaging['leases'], 'alive'> };
  log: Logger;
}

/** Removes volumes without a name while this server leads, once a minute. */
export function startVolumeSweeps(options: VolumeSweepOptions): RepeatedSweep {
  return new RepeatedSweep({
    everyMs: EVERY_MS,
    sweep: () => removeAbandonedVolumes(options, Date.now()),
    what: 'volumes that nobody holds any more',
    log: options.log,
  });
}

/** Removes volumes without a name that nobody holds any more; resolves to how many. */
export async function removeAbandonedVolumes(
  { volumes, messaging }: Omit<VolumeSweepOptions, 'log'>,
  nowMs: number,
): Promise<number> {
  const records = await volumes.ephemeral();
  if (records.length === 0) return 0;
  const alive = await messaging.leases.alive();
  const abandoned = records.filter(
    ({ id, createdAtMs }) => !alive.has(id) && nowMs - createdAtMs >= FIRST_HOLD_MS,
  );
  for (const record of abandoned) await volumes.removeEphemeral(record);
  return abandoned.length;
}
