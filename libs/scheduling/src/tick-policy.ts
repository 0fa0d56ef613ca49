import type { ScheduleSpec } from '@gantry/protocol';

import { nextFiring } from './schedule-ticks.ts';

/** Ticks this late all fire: no more than another server needs to take over, with room to spare. */
export const CATCH_UP_MS = 30_000;
/** A tick later than {@link CATCH_UP_MS} still fires up to here, if it is the latest. */
export const LATEST_START_MS = 3_600_000;
// Enough to tell a user; counting the ticks of a year would hold up the other schedules.
const COUNTED_TICKS = 10_000;

/** Ticks that nobody fired in time. */
export interface MissedTicks {
  firstMs: number;
  lastMs: number;
  /** At least this many. */
  count: number;
}

/** What to do about the ticks that are due. */
export interface TickPlan {
  /** The ticks to fire now, in order. */
  fire: number[];
  missed: MissedTicks | undefined;
  /** Every tick up to here is dealt with once the plan is carried out. */
  cursorMs: number;
}

export interface TickQuestion {
  schedule: ScheduleSpec;
  /** What a period counts from. */
  anchorMs: number;
  /** Every tick up to here has been dealt with. */
  cursorMs: number;
  nowMs: number;
}

/**
 * Decides about the ticks after the cursor that are due. Those at most {@link CATCH_UP_MS} late fire, so that a
 * change of leaders skips nothing. Of older ones only the latest fires, if nothing newer does and it is at
 * most {@link LATEST_START_MS} late; the others were missed. So an outage never ends in a burst.
 */
export function planTicks({ schedule, anchorMs, cursorMs, nowMs }: TickQuestion): TickPlan {
  const fire: number[] = [];
  let missed: MissedTicks | undefined;
  let latestMissedMs: number | undefined;
  let afterMs = cursorMs;
  for (;;) {
    const tickMs = nextFiring(schedule, { afterMs, anchorMs });
    if (tickMs === undefined || tickMs > nowMs) break;
    afterMs = tickMs;
    if (nowMs - tickMs <= CATCH_UP_MS) {
      fire.push(tickMs);
      continue;
    }
    if (latestMissedMs !== undefined) missed = add(missed, latestMissedMs);
    latestMissedMs = tickMs;
    if ((missed?.count ?? 0) === COUNTED_TICKS) afterMs = Math.max(tickMs, nowMs - LATEST_START_MS);
  }
  const cursor = fire.at(-1) ?? latestMissedMs ?? cursorMs;
  if (latestMissedMs !== undefined) {
    if (fire.length === 0 && nowMs - latestMissedMs <= LATEST_START_MS) fire.push(latestMissedMs);
    else missed = add(missed, latestMissedMs);
  }
  return { fire, missed, cursorMs: cursor };
}

function add(missed: MissedTicks | undefined, tickMs: number): MissedTicks {
  return { firstMs: missed?.firstMs ?? tickMs, lastMs: tickMs, count: (missed?.count ?? 0) + 1 };
}
