import type { Registry } from '@gantry/messaging';
import { encodeCanonical, type FunctionRecord, registryKeys, type ScheduleSpec } from '@gantry/protocol';

/**
 * Says from when on the schedules of a deploy count: a period from this deploy, a cron expression from the
 * deploy that brought it.
 */
export async function anchorSchedules(
  registry: Registry,
  records: FunctionRecord[],
  deployedAtMs: number,
): Promise<FunctionRecord[]> {
  return await Promise.all(
    records.map(async (record) => {
      const { schedule } = record.spec;
      if (!schedule) return record;
      if (schedule.type === 'period') return { ...record, scheduledFromMs: deployedAtMs };
      const before = (await registry.get<FunctionRecord>(registryKeys.function(record.id)))?.value;
      const unchanged = before && !before.stopped && sameSchedule(before.spec.schedule, schedule);
      return { ...record, scheduledFromMs: (unchanged ? before.scheduledFromMs : undefined) ?? deployedAtMs };
    }),
  );
}

/** True if two schedules are due at the same instants. */
export function sameSchedule(left: ScheduleSpec | undefined, right: ScheduleSpec | undefined): boolean {
  if (!left || !right) return left === right;
  return Buffer.from(encodeCanonical({ ...left })).equals(encodeCanonical({ ...right }));
}
