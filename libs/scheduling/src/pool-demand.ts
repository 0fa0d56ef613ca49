import { DEFAULTS, type FunctionRecord } from '@gantry/protocol';

import { targetInputsOf } from './effective-record.ts';
import type { FleetContainer } from './fleet.ts';
import type { PoolTurn, Review, Wanted } from './pool-review.ts';
import { desiredContainers } from './scaling.ts';

/** How many containers a pool should have, and how many of them its work and its minimum need. */
export function wantedContainers(
  { state, nowMs }: PoolTurn,
  serving: readonly FleetContainer[],
  record: FunctionRecord,
): Wanted {
  const options = record.spec.options;
  // What takes no more inputs has its own ones to finish; the rest of the work needs others.
  const exhausted = serving.filter((container) => container.exhausted);
  const sums = sumOf(serving, exhausted);
  const { demand, waiting, isCertain } = state.load(sums, nowMs);
  const windowMs = options.scaledownWindowMs ?? DEFAULTS.scaledownWindowMs;
  const min = options.minContainers ?? DEFAULTS.minContainers;
  const max = Math.max(0, (options.maxContainers ?? Number.MAX_SAFE_INTEGER) - exhausted.length);
  const scaling = {
    demand,
    targetInputs: targetInputsOf(options, DEFAULTS.maxInputs),
    active: demand > 0 || nowMs - state.lastActiveMs < windowMs,
    buffer: options.bufferContainers ?? DEFAULTS.bufferContainers,
    min: Math.min(min, max),
    max,
  };
  const desired = exhausted.length + desiredContainers(scaling);
  const needed = exhausted.length + desiredContainers({ ...scaling, buffer: 0 });
  const confirmed = state.confirmPressure(!isCertain && desired > serving.length, nowMs);
  // Far more waits than all containers hold: no second look needed.
  const isClear = isCertain || waiting > sums.capacity;
  if (desired <= serving.length || isClear || confirmed) return { desired, needed };
  const capped = Math.min(desired, Math.max(serving.length, min));
  return { desired: capped, needed: Math.min(needed, capped) };
}

function sumOf(serving: readonly FleetContainer[], exhausted: readonly FleetContainer[]) {
  const ready = serving.filter((container) => container.state === 'ready' && !container.exhausted);
  return {
    serving: serving.length,
    ready: ready.length,
    capacity: ready.reduce((sum, container) => sum + container.maxInputs, 0),
    running: ready.reduce((sum, container) => sum + container.running, 0),
    finishing: exhausted.reduce((sum, container) => sum + container.running, 0),
  };
}

/** How many containers of the current version are to be started. `isSettled`: all workers have reported. */
export function missingContainers(review: Review, isSettled: boolean): number {
  const { state, serving, desired, record, nowMs } = review;
  if (!state.parameters || !state.crashes.mayStart(nowMs)) return 0;
  if (!state.inUse && !isSettled) return 0;
  const current = serving.filter((container) => container.version === record.version);
  const isReplacing = isSettled && current.length === 0 && serving.length > 0;
  const missing = Math.max(desired, isReplacing ? 1 : 0) - current.length;
  if (!state.crashes.isCautious) return missing;
  return current.some((container) => container.state !== 'ready') ? 0 : Math.min(missing, 1);
}
