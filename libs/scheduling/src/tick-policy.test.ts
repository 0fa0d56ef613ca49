import type { ScheduleSpec } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CATCH_UP_MS, LATEST_START_MS, planTicks } from './tick-policy.ts';

const everyMinute: ScheduleSpec = { type: 'period', minutes: 1 };
const daily: ScheduleSpec = { type: 'period', days: 1 };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function plan(schedule: ScheduleSpec, cursorMs: number, nowMs: number) {
  return planTicks({ schedule, anchorMs: 0, cursorMs, nowMs });
}

describe('ticks that are due', () => {
  it('fire at their instant, not before', () => {
    expect(plan(everyMinute, 0, MINUTE_MS - 1)).toEqual({ fire: [], missed: undefined, cursorMs: 0 });
    expect(plan(everyMinute, 0, MINUTE_MS)).toEqual({
      fire: [MINUTE_MS],
      missed: undefined,
      cursorMs: MINUTE_MS,
    });
  });

  it('all fire after a change of leaders', () => {
    const everySecond: ScheduleSpec = { type: 'period', seconds: 1 };
    expect(plan(everySecond, 10_000, 14_500)).toEqual({
      fire: [11_000, 12_000, 13_000, 14_000],
      missed: undefined,
      cursorMs: 14_000,
    });
  });

  it('fire once after an outage, for the latest, and the others count as missed', () => {
    const nowMs = 10 * MINUTE_MS + CATCH_UP_MS + 1;
    expect(plan(everyMinute, 4 * MINUTE_MS, nowMs)).toEqual({
      fire: [10 * MINUTE_MS],
      missed: { firstMs: 5 * MINUTE_MS, lastMs: 9 * MINUTE_MS, count: 5 },
      cursorMs: 10 * MINUTE_MS,
    });
  });

  it('are missed when the latest is more than an hour old', () => {
    expect(plan(daily, 0, 3 * DAY_MS + LATEST_START_MS).fire).toEqual([3 * DAY_MS]);
    expect(plan(daily, 0, 3 * DAY_MS + LATEST_START_MS + 1)).toEqual({
      fire: [],
      missed: { firstMs: DAY_MS, lastMs: 3 * DAY_MS, count: 3 },
      cursorMs: 3 * DAY_MS,
    });
  });

  it('of a year of seconds are decided on at once', () => {
    const result = plan({ type: 'period', seconds: 1 }, 0, 365 * DAY_MS);
    expect(result.cursorMs).toBe(365 * DAY_MS);
    expect(result.fire).toHaveLength(CATCH_UP_MS / 1_000 + 1);
    expect(result.missed?.firstMs).toBe(1_000);
  });
});

// Leaders taking turns, each knowing only what is recorded: a term may end between the record of a tick and its
// call, and the next one may begin long after.
class Turns {
  readonly recorded = new Set<number>();
  readonly called: number[] = [];
  nowMs = 0;
  readonly #schedule: ScheduleSpec;

  constructor(seconds: number) {
    this.#schedule = { type: 'period', seconds };
  }

  get last(): number {
    return Math.max(0, ...this.recorded);
  }

  /** Leads for a while, or dies right after the record of its tick number `diesAt`. */
  lead(leadsMs: number, diesAt: number): void {
    if (this.last > 0 && !this.called.includes(this.last)) this.called.push(this.last);
    let cursorMs = this.last;
    const endMs = this.nowMs + leadsMs;
    const diesAfter = this.recorded.size + diesAt;
    for (; this.nowMs <= endMs; this.nowMs += 100) {
      const plan = planTicks({ schedule: this.#schedule, anchorMs: 0, cursorMs, nowMs: this.nowMs });
      expect(plan.missed).toBeUndefined();
      if (!this.#fire(plan.fire, diesAfter)) return;
      cursorMs = plan.cursorMs;
    }
  }

  /** Nobody leads, for no longer than a change of leaders may take. */
  wait(gapMs: number): void {
    this.nowMs = Math.max(this.nowMs, Math.min(this.nowMs + gapMs, this.last + CATCH_UP_MS));
  }

  #fire(ticks: number[], diesAfter: number): boolean {
    for (const tick of ticks) {
      expect(this.recorded.has(tick)).toBe(false);
      this.recorded.add(tick);
      if (this.recorded.size > diesAfter) return false;
      this.called.push(tick);
    }
    return true;
  }
}

describe('two leaders taking turns', () => {
  it('call each tick exactly once, whenever the one dies and however late the other comes', () => {
    const turn = fc.record({ leadsMs: fc.nat(20_000), gapMs: fc.nat(CATCH_UP_MS), diesAt: fc.nat(5) });
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 7, 60), fc.array(turn, { maxLength: 12 }), (seconds, turns) => {
        const world = new Turns(seconds);
        for (const { leadsMs, gapMs, diesAt } of turns) {
          world.lead(leadsMs, diesAt);
          world.wait(gapMs);
        }
        world.lead(2 * CATCH_UP_MS, Infinity);
        const due = Math.floor(world.nowMs / (seconds * 1_000));
        const ticks = Array.from({ length: due }, (_, index) => (index + 1) * seconds * 1_000);
        // The clock stands a step beyond the last decision, so one tick may still be due.
        expect([ticks, ticks.slice(0, -1)]).toContainEqual(world.called);
      }),
      { numRuns: 200 },
    );
  });
});
