import { InvalidError, type ScheduleSpec } from '@gantry/protocol';

import { nextCronTick } from './cron-ticks.ts';
import { assertPeriod, nextPeriodTick } from './period-ticks.ts';

/** Where to look for the next firing. */
export interface FiringPosition {
  /** The firing found lies after this instant. */
  afterMs: number;
  /** What a period counts from: when it was deployed. */
  anchorMs: number;
}

/** The first instant after `afterMs` at which a schedule is due; undefined if none ever comes. Always a whole millisecond. */
export function nextFiring(
  schedule: ScheduleSpec,
  { afterMs, anchorMs }: FiringPosition,
): number | undefined {
  if (schedule.type === 'cron') return nextCronTick(schedule, afterMs);
  return nextPeriodTick(schedule, anchorMs, afterMs);
}

/**
 * Refuses what cannot be read or never fires.
 *
 * @throws InvalidError saying why.
 */
export function assertSchedule(schedule: ScheduleSpec): void {
  if (schedule.type === 'period') return assertPeriod(schedule);
  if (schedule.type !== 'cron' || typeof schedule.expression !== 'string') {
    throw new InvalidError('a schedule must be a cron expression or a period');
  }
  const probeMs = Date.UTC(2024, 0, 1);
  if (nextCronTick(schedule, probeMs) !== undefined) return;
  throw new InvalidError(`the cron expression "${schedule.expression}" is never due`, {
    hint: 'Its day of month does not exist in its months.',
  });
}
