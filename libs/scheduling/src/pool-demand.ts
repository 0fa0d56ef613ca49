import { DEFAULTS, type FunctionRecord } from '@gantry/protocol';

import { targetInputsOf } from './effective-record.ts';
import type { FleetContainer } from './fleet-container.ts';
import { countOf, type Review, type Wanted } from './pool-review.ts';
import type { PoolState } from './pool-state.ts';
import { desiredContainers } from './scaling.ts';

/** How many containers a pool should have, and how many of them its work and its minimum need. */
export function wantedContainers(
  { state, record, nowMs }: { state: PoolState; record: FunctionRecord; nowMs: number },
  own: readonly FleetContainer[],
): Wanted {
  const options = record.spec.options;
  const serving = own.filter((container) => container.state !== 'draining');
  const unheardStops =
    own.length - serving.length && own.filter((container) => container.isStopUnheard).length;
  // What takes no more inputs has its own ones to finish; the rest of the work needs others.
  const exhausted = serving.filter((container) => container.exhausted);
  const sums = sumOf(serving, exhausted);
  const { demand, waiting, isCertain } = state.load(sums, nowMs);
  const windowMs = options.scaledownWindowMs ?? DEFAULTS.scaledownWindowMs;
  const min = options.minContainers ?? DEFAULTS.minContainers;
  const limit = options.maxContainers ?? Number.MAX_SAFE_INTEGER;
  const max = Math.max(0, limit - exhausted.length - unheardStops);
  const isActive = demand > 0 || nowMs - state.lastActiveMs < windowMs;
  const scaling = {
    demand,
    targetInputs: targetInputsOf(options, DEFAULTS.maxInputs),
    active: isActive,
    buffer: options.bufferContainers ?? DEFAULTS.bufferContainers,
    min: Math.min(min, max),
    max,
  };
  const desired = exhausted.length + desiredContainers(scaling);
  const needed = exhausted.length + desiredContainers({ ...scaling, buffer: 0 });
  // While a version replaces another one, both are there.
  const current = countOf(serving, record.version);
  const standing = Math.max(current, serving.length - current);
  const confirmed = state.confirmPressure(!isCertain && desired > standing, nowMs);
  // Far more waits than all containers hold: no second look needed.
  const isClear = isCertain || waiting > sums.capacity;
  if (desired <= standing || isClear || confirmed) return { desired, needed, isActive };
  const capped = Math.min(desired, Math.max(standing, min));
  return { desired: capped, needed: Math.min(needed, capped), isActive };
}

function sumOf(serving: readonly FleetContainer[], exhausted: readonly FleetContainer[]) {
  const sums = { serving: serving.length, ready: 0, capacity: 0, running: 0, finishing: 0 };
  for (const { state, running, maxInputs, exhausted: isExhausted } of serving) {
    if (state !== 'ready' || isExhausted) continue;
    sums.ready++;
    sums.capacity += maxInputs;
    sums.running += running;
  }
  for (const { running } of exhausted) sums.finishing += running;
  return sums;
}

/** How many containers of the current version are to be started. `isSettled`: all workers have reported. */
export function missingContainers(
  { state, serving, desired, record }: Review,
  { isSettled, nowMs }: { isSettled: boolean; nowMs: number },
): number {
  if (!state.parameters || nowMs < state.crashes.mayStartMs) return 0;
  if (!state.inUse && !isSettled) return 0;
  const current = countOf(serving, record.version);
  const isReplacing = isSettled && current === 0 && serving.length > 0;
  const missing = Math.max(desired, isReplacing ? 1 : 0) - current;
  if (!state.crashes.isCautious) return missing;
  const isTrying = serving.some(
    ({ version, state: phase }) => version === record.version && phase !== 'ready',
  );
  return isTrying ? 0 : Math.min(missing, 1);
}
