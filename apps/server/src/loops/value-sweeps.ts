import type { BlobStore } from '@gantry/blobs';
import type { InputQueue } from '@gantry/messaging';
import { dayOf, type InputMessage, LIMITS, parseBlobName } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { RepeatedSweep } from './repeated-sweep.ts';

/**
 * For clocks that differ, and for outputs and inputs that took long to be stored after their values. Days are kept
 * or removed as a whole.
 */
const SLACK_MS = 24 * 3600 * 1000;

export interface ValueSweepOptions {
  messaging: { inputs: Pick<InputQueue, 'readAll'> };
  blobs: Pick<BlobStore, 'days' | 'valuesOf' | 'delete'>;
  log: Logger;
}

/** Removes large arguments and results after their time while this server leads. */
export function startValueSweeps(options: ValueSweepOptions): RepeatedSweep {
  return new RepeatedSweep({
    sweep: (signal) => sweepValues(options, { nowMs: Date.now(), signal }),
    what: 'large arguments and results whose time is over',
    log: options.log,
  });
}

/**
 * Removes the values of all days that ended more than 7 days and a slack ago, but for the arguments of inputs that
 * are still in the queue. Returns how many.
 *
 * Invariants
 *   V1. A value is stored under the day of its storing, so nothing is ever stored under a day that is removed.
 *   V2. Inputs begin to refer to a value at most 7 days after its storing, outputs within the slack. Later, only an
 *       input that is in the queue comes back, as its own next attempt; that is stored before the one before leaves,
 *       and behind it, so that a reading of the queue from its head to its end meets one of them.
 *   V3. So what no input refers to when the queue is read, after the days were chosen, is never referred to again:
 *       it is harmless if this ends in the middle, or is still at it when another server does the same.
 */
export async function sweepValues(
  { messaging, blobs }: ValueSweepOptions,
  { nowMs, signal }: { nowMs: number; signal?: AbortSignal },
): Promise<number> {
  const firstKeptDay = dayOf(nowMs - LIMITS.outputRetentionMs - SLACK_MS);
  const days = (await blobs.days()).filter((day) => day < firstKeptDay);
  if (days.length === 0) return 0;
  const needed = await valuesOfInputs(messaging.inputs.readAll(), firstKeptDay);
  let removed = 0;
  for (const day of days.sort((left, right) => left - right)) {
    for await (const name of blobs.valuesOf(day)) {
      if (signal?.aborted) return removed;
      if (needed.has(name)) continue;
      await blobs.delete(name);
      removed++;
    }
  }
  return removed;
}

/** The names of the values of earlier days that inputs refer to. */
async function valuesOfInputs(inputs: AsyncIterable<InputMessage>, beforeDay: number): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { args } of inputs) {
    if (args instanceof Uint8Array) continue;
    const { day = Infinity } = parseBlobName(args.blob) ?? {};
    if (day < beforeDay) names.add(args.blob);
  }
  return names;
}
