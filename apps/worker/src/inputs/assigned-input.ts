import type { InputMessage } from '@gantry/protocol';
import type { InputDelivery } from '@gantry/messaging';

import type { ValueStream } from './value-stream.ts';

/**
 * One input in the hands of this worker, from its delivery until it is settled and its code has ended.
 *
 * `phase` goes `held` (no place yet) → `running` (a container has it) → `settled` (its output, its retry or its
 * return is on the way; whatever its code does now is ignored).
 */
export class AssignedInput {
  readonly message: InputMessage;
  /** Replaced when the same input is delivered here again. */
  delivery: InputDelivery;
  phase: 'held' | 'running' | 'settled' = 'held';
  /** Until it is acknowledged or given back, its lease is extended. */
  leased = true;
  /** The lease is surely as young as that, by the monotonic clock: the broker knows of it. */
  leasedAtMs: number;
  /** When the broker was last told to extend it. */
  extendedAtMs: number;
  /** Its lease ended before it could be extended: someone else may run it, so its result must not count. */
  lost = false;
  /** Its code still occupies a place in a container. */
  occupying = false;
  /** Why its code was told to end. */
  ending: 'cancelled' | 'timeout' | 'preempted' | undefined;
  /** When its code has to have ended, by the monotonic clock. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Cancelled, its code goes on beside others that are wanted: until when it may, by the monotonic clock. */
  lingersUntilMs: number | undefined;
  /** When a container got it, since the epoch. */
  startedAtMs = 0;
  /** The values of its code, while it runs, if that is a generator. */
  stream: ValueStream | undefined;

  constructor(delivery: InputDelivery, nowMs: number) {
    this.message = delivery.message;
    this.delivery = delivery;
    this.leasedAtMs = nowMs;
    this.extendedAtMs = nowMs;
  }
}
