import {
  type FunctionRecord,
  type OutputMessage,
  type RunRecord,
  SCHEDULE_SESSION_KEY,
} from '@gantry/protocol';
import { LATEST_START_MS, type MissedTicks, nextFiring, planTicks } from '@gantry/scheduling';

import type { SchedulerLoopOptions } from '../loops/scheduler-loop.ts';
import { failureOf } from './run-history.ts';
import { sameSchedule } from './schedule-anchor.ts';
import { tickIds } from './tick-ids.ts';

const LONGEST_SLEEP_MS = 30_000;
const RETRY_MS = 1_000;
/** A tick is skipped when this many inputs of its function wait for a container already. */
const MOST_WAITING = 100;

interface Entry {
  record: FunctionRecord;
  /** Every tick up to here is dealt with. */
  cursorMs: number;
  /** When there is something to do; undefined while something is being done, or if nothing ever is. */
  nextMs: number | undefined;
}

/**
 * Calls scheduled functions when they are due, for one term of leadership.
 *
 * Invariants
 *   T1. A tick is called only by who finds it on record: the run stream takes one record per function and tick.
 *   T2. The record comes before the call. Who takes over looks at the last record and makes up for its call;
 *       the call's ids follow from function and tick, so making up twice is harmless.
 *   T3. The ticks of one function are dealt with one after the other, so at most the last record lacks its call.
 */
export class ScheduleTicker {
  readonly #options: SchedulerLoopOptions;
  readonly #entries = new Map<string, Entry>();
  /** Functions by their unfinished calls of this term, to tell of failures. */
  readonly #calls = new Map<string, string>();
  readonly #subscriptions: { stop(): void }[];
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: SchedulerLoopOptions) {
    this.#options = options;
    this.#subscriptions = [
      options.messaging.outputs.watchSession(SCHEDULE_SESSION_KEY, (output) => this.#hear(output)),
      options.functions.onChange(({ functionId, record }) => this.#apply(functionId, record)),
    ];
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  #apply(functionId: string, record: FunctionRecord | undefined): void {
    const anchorMs = record?.scheduledFromMs;
    if (!record?.spec.schedule || record.stopped || anchorMs === undefined) {
      this.#entries.delete(functionId);
      return;
    }
    const known = this.#entries.get(functionId);
    if (
      known?.record.scheduledFromMs === anchorMs &&
      sameSchedule(known.record.spec.schedule, record.spec.schedule)
    ) {
      known.record = record;
      return;
    }
    const entry: Entry = { record, cursorMs: anchorMs, nextMs: undefined };
    this.#entries.set(functionId, entry);
    void this.#open(entry);
  }

  /** Finds out what was done before, and makes up for a call that another server could not make any more. */
  async #open(entry: Entry): Promise<void> {
    const { id } = entry.record;
    try {
      const last = await this.#options.messaging.runs.lastTick(id);
      if (!this.#isCurrent(entry)) return;
      if (last) {
        if (last.kind === 'tick' && Date.now() - last.tickMs <= LATEST_START_MS) {
          await this.#options.calls.ensureSubmitted(entry.record, tickIds(id, last.tickMs));
        }
        entry.cursorMs = Math.max(entry.cursorMs, last.tickMs);
      }
      this.#plan(entry);
    } catch (err) {
      this.#options.log.warn({ err, functionId: id }, 'a schedule could not be taken up');
      setTimeout(() => this.#isCurrent(entry) && void this.#open(entry), RETRY_MS).unref();
    }
  }

  #plan(entry: Entry): void {
    const { schedule, anchorMs } = scheduleOf(entry);
    entry.nextMs = nextFiring(schedule, { afterMs: entry.cursorMs, anchorMs });
    this.#arm();
  }

  // One timer for all schedules. It sleeps in stretches, so that a clock that was put forward is noticed.
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    let nextMs = Infinity;
    for (const entry of this.#entries.values()) nextMs = Math.min(nextMs, entry.nextMs ?? Infinity);
    if (nextMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, nextMs - Date.now()), LONGEST_SLEEP_MS);
    this.#timer = setTimeout(() => this.#wake(), delayMs);
  }

  #wake(): void {
    const nowMs = Date.now();
    for (const entry of this.#entries.values()) {
      if (entry.nextMs === undefined || entry.nextMs > nowMs) continue;
      entry.nextMs = undefined;
      void this.#work(entry);
    }
    this.#arm();
  }

  async #work(entry: Entry): Promise<void> {
    try {
      const { cursorMs } = entry;
      const {
        fire,
        missed,
        cursorMs: done,
      } = planTicks({ ...scheduleOf(entry), cursorMs, nowMs: Date.now() });
      if (missed) await this.#miss(entry, missed);
      for (const tickMs of fire) {
        if (!(await this.#fire(entry, tickMs))) return this.#retry(entry);
        entry.cursorMs = tickMs;
      }
      entry.cursorMs = done;
      this.#plan(entry);
    } catch (err) {
      this.#options.log.warn({ err, functionId: entry.record.id }, 'a tick could not be dealt with');
      this.#retry(entry);
    }
  }

  #retry(entry: Entry): void {
    if (!this.#isCurrent(entry)) return;
    entry.nextMs = Date.now() + RETRY_MS;
    this.#arm();
  }

  /** False if this server may not decide any more. */
  async #fire(entry: Entry, tickMs: number): Promise<boolean> {
    const { messaging, calls, systemLog } = this.#options;
    const { record } = entry;
    const { waiting } = await messaging.inputs.backlog(record.id);
    if (!this.#mayDecide(entry)) return false;
    if (waiting >= MOST_WAITING) {
      const reason = `${waiting} inputs of "${record.spec.name}" wait already`;
      const stored = await messaging.runs.record({ ...tickOf(record, tickMs), kind: 'skipped', reason });
      if (stored === 'stored')
        systemLog.write(record, 'run.skipped', `the run of ${when(tickMs)} is skipped: ${reason}`);
      return true;
    }
    const ids = tickIds(record.id, tickMs);
    const { callId } = ids;
    this.#calls.set(callId, record.id);
    const stored = await messaging.runs.record({ ...tickOf(record, tickMs), kind: 'tick', callId });
    if (stored === 'stored') {
      await calls.submit(record, ids);
      return true;
    }
    const found = await messaging.runs.find(record.id, tickMs);
    if (found?.kind === 'tick') await calls.ensureSubmitted(record, ids);
    return true;
  }

  async #miss({ record }: Entry, { firstMs, lastMs, count }: MissedTicks): Promise<void> {
    const { messaging, systemLog } = this.#options;
    const reason = 'no server was up in time';
    const stored = await messaging.runs.record({
      ...tickOf(record, lastMs),
      kind: 'missed',
      ticks: count,
      reason,
    });
    if (stored !== 'stored') return;
    const text =
      count === 1
        ? `the run of ${when(lastMs)} was`
        : `${count} runs from ${when(firstMs)} to ${when(lastMs)} were`;
    systemLog.write(record, 'run.missed', `${text} missed: ${reason}`);
  }

  #hear(output: OutputMessage): void {
    const functionId = this.#calls.get(output.callId);
    if (functionId === undefined || !this.#calls.delete(output.callId)) return;
    const failure = failureOf(output);
    const record = this.#options.functions.get(functionId);
    if (failure === undefined || !record) return;
    this.#options.systemLog.write(
      record,
      'run.failed',
      `the scheduled run ${output.callId} of "${record.spec.name}" failed: ${failure}`,
    );
  }

  #mayDecide(entry: Entry): boolean {
    return this.#isCurrent(entry) && this.#options.leadership.fence !== undefined;
  }

  #isCurrent(entry: Entry): boolean {
    return !this.#ended && this.#entries.get(entry.record.id) === entry;
  }
}

function scheduleOf({ record }: Entry) {
  const { schedule } = record.spec;
  if (!schedule) throw new Error(`"${record.spec.name}" has no schedule`);
  return { schedule, anchorMs: record.scheduledFromMs ?? 0 };
}

function tickOf({ id, version }: FunctionRecord, tickMs: number): Omit<RunRecord, 'kind'> {
  return { functionId: id, tickMs, version, atMs: Date.now() };
}

function when(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
