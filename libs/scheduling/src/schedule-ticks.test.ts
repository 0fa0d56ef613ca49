import type { CronSpec, ScheduleSpec } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { assertSchedule, nextFiring } from './schedule-ticks.ts';
import { ZoneClock } from './zone-clock.ts';

function firings(schedule: ScheduleSpec, from: string, count: number): string[] {
  const anchorMs = Date.parse(from);
  const found: string[] = [];
  let afterMs = anchorMs;
  while (found.length < count) {
    const tickMs = nextFiring(schedule, { afterMs, anchorMs });
    if (tickMs === undefined) break;
    found.push(new Date(tickMs).toISOString().replace(/:00\.000Z$/, 'Z'));
    afterMs = tickMs;
  }
  return found;
}

const cron = (expression: string, timeZone?: string): CronSpec => ({ type: 'cron', expression, timeZone });

describe('cron', () => {
  it('means UTC without a time zone', () => {
    expect(firings(cron('0 8 * * 1'), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-05T08:00Z',
      '2026-01-12T08:00Z',
    ]);
  });

  it('never fires at the instant asked about, but after it', () => {
    expect(firings(cron('*/5 * * * *'), '2026-01-01T00:05:00Z', 1)).toEqual(['2026-01-01T00:10Z']);
  });

  it('fires when either day of month or day of week fits, as crontab does', () => {
    expect(firings(cron('0 0 15 * 5'), '2026-01-03T00:00:00Z', 3)).toEqual([
      '2026-01-09T00:00Z',
      '2026-01-15T00:00Z',
      '2026-01-16T00:00Z',
    ]);
  });

  it('keeps the wall clock time of its zone over summer and winter', () => {
    const schedule = cron('0 9 * * *', 'Europe/Berlin');
    expect(firings(schedule, '2026-03-28T00:00:00Z', 2)).toEqual(['2026-03-28T08:00Z', '2026-03-29T07:00Z']);
    expect(firings(schedule, '2026-10-24T00:00:00Z', 2)).toEqual(['2026-10-24T07:00Z', '2026-10-25T08:00Z']);
  });

  it('fires at the jump for a time of day that is jumped over', () => {
    const from = '2026-03-28T12:00:00Z';
    expect(firings(cron('30 2 * * *', 'Europe/Berlin'), from, 2)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    // Both times of day fall into the jump, and 3:00 is the same moment: one firing.
    expect(firings(cron('0,30 2,3 * * *', 'Europe/Berlin'), from, 3)).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-29T01:30Z',
      '2026-03-30T00:00Z',
    ]);
  });

  it('fires once for a time of day that comes twice', () => {
    expect(firings(cron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
  });

  it('fires every hour of the real day when the hour is a star', () => {
    const hourly = cron('0 * * * *', 'Europe/Berlin');
    expect(firings(hourly, '2026-10-24T23:30:00Z', 4)).toEqual(
      ['00', '01', '02', '03'].map((hour) => `2026-10-25T${hour}:00Z`),
    );
    expect(firings(hourly, '2026-03-28T23:30:00Z', 4)).toEqual(
      ['00', '01', '02', '03'].map((hour) => `2026-03-29T${hour}:00Z`),
    );
  });

  it('knows zones that shift by half an hour', () => {
    expect(firings(cron('0 * * * *', 'Australia/Lord_Howe'), '2026-04-04T13:20:00Z', 3)).toEqual([
      '2026-04-04T14:00Z',
      '2026-04-04T15:30Z',
      '2026-04-04T16:30Z',
    ]);
  });

  it.each([
    ['0 8 * *', 'five fields'],
    ['0 0 8 * * *', 'five fields'],
    ['@daily', 'five fields'],
    ['0 0 ? * *', 'five fields'],
    ['61 * * * *', 'minute'],
    ['0 0 31 2 *', 'never due'],
    ['', 'five fields'],
  ])('refuses %j', (expression, message) => {
    expect(() => assertSchedule(cron(expression))).toThrow(message);
  });

  it('refuses a name that is no time zone', () => {
    expect(() => assertSchedule(cron('0 8 * * *', 'Mars/Olympus'))).toThrow('"Mars/Olympus" is no time zone');
  });
});

describe('periods', () => {
  it('count from the anchor, which is no firing itself', () => {
    expect(firings({ type: 'period', hours: 5 }, '2026-01-01T10:00:00Z', 2)).toEqual([
      '2026-01-01T15:00Z',
      '2026-01-01T20:00Z',
    ]);
  });

  it('add up their units', () => {
    expect(firings({ type: 'period', weeks: 1, days: 1, minutes: 30 }, '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-09T00:30Z',
    ]);
  });

  it('of months keep the day, and take the last where it is missing, without drifting', () => {
    expect(firings({ type: 'period', months: 1 }, '2026-01-31T09:00:00Z', 4)).toEqual([
      '2026-02-28T09:00Z',
      '2026-03-31T09:00Z',
      '2026-04-30T09:00Z',
      '2026-05-31T09:00Z',
    ]);
  });

  it('of years keep 29 February for leap years', () => {
    expect(firings({ type: 'period', years: 2 }, '2024-02-29T00:00:00Z', 2)).toEqual([
      '2026-02-28T00:00Z',
      '2028-02-29T00:00Z',
    ]);
  });

  it('of seconds may have a fraction', () => {
    expect(nextFiring({ type: 'period', seconds: 1.5 }, { afterMs: 4_000, anchorMs: 1_000 })).toBe(5_500);
  });

  it.each([
    [{}, 'at least one second'],
    [{ seconds: 0 }, 'at least one second'],
    [{ seconds: 0.5 }, 'at least one second'],
    [{ days: -1 }, 'days of a period must be a whole number'],
    [{ hours: 1.5 }, 'hours of a period must be a whole number'],
    [{ seconds: Number.NaN }, 'seconds of a period must be a number'],
  ])('refuse %j', (units, message) => {
    expect(() => assertSchedule({ type: 'period', ...units })).toThrow(message);
  });
});

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Santiago',
  'Africa/Cairo',
];
const instant = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) });
// Near the changes of clocks: that is where mistakes live.
const nearChange = fc
  .constantFrom(
    ...[
      '2026-03-29T01:00',
      '2026-10-25T01:00',
      '2026-03-08T07:00',
      '2026-11-01T06:00',
      '2026-04-04T15:00',
      '2026-10-03T15:30',
      '2026-04-05T03:00',
      '2026-09-06T04:00',
      '2026-04-23T22:00',
      '2026-10-29T21:00',
    ].map((text) => Date.parse(`${text}Z`)),
  )
  .chain((change) => fc.integer({ min: change - 7_200_000, max: change + 7_200_000 }));
const aCron = fc.record({
  type: fc.constant('cron' as const),
  expression: fc
    .tuple(
      fc.constantFrom('0', '30', '*/15', '7,52', '*'),
      fc.constantFrom('*', '*/2', '2', '0', '1-3', '3', '23'),
      fc.constantFrom('*', '1', '29', '*/10'),
      fc.constantFrom('*', '3', '10-11'),
      fc.constantFrom('*', '0', 'MON-FRI'),
    )
    .map((fields) => fields.join(' ')),
  timeZone: fc.constantFrom(...ZONES),
});
const aPeriod = fc.record({
  type: fc.constant('period' as const),
  months: fc.integer({ min: 0, max: 14 }),
  days: fc.integer({ min: 0, max: 40 }),
  seconds: fc.double({ min: 1, max: 90_000, noNaN: true }),
});

describe('every schedule', () => {
  it('fires after the instant asked about, at the same ticks wherever one starts to ask', () => {
    const anySchedule: fc.Arbitrary<ScheduleSpec> = fc.oneof(aCron, aPeriod);
    fc.assert(
      fc.property(
        anySchedule,
        fc.oneof(instant, nearChange),
        fc.nat(7_200_000),
        (schedule, afterMs, laterMs) => {
          const anchorMs = afterMs - 1_000;
          const tick = nextFiring(schedule, { afterMs, anchorMs });
          if (tick === undefined) return;
          expect(tick).toBeGreaterThan(afterMs);
          // Between asking and the tick there is no other.
          const between = Math.min(tick - 1, afterMs + laterMs);
          expect(nextFiring(schedule, { afterMs: between, anchorMs })).toBe(tick);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('of cron fires on a wall clock time that its expression names, or at a jump', () => {
    fc.assert(
      fc.property(aCron, fc.oneof(instant, nearChange), (schedule, afterMs) => {
        const tick = nextFiring(schedule, { afterMs, anchorMs: 0 });
        if (tick === undefined) return;
        const clock = ZoneClock.of(schedule.timeZone);
        const wall = tick + clock.offsetAt(tick);
        const named = nextFiring(
          { type: 'cron', expression: schedule.expression },
          { afterMs: wall - 1, anchorMs: 0 },
        );
        const jumped = clock.offsetAt(tick - 1) < clock.offsetAt(tick);
        expect(named === wall || jumped).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('of cron fires exactly once a day for one time of day, in every zone and on every day', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 23 }),
        fc.constantFrom(0, 30),
        (timeZone, hour, minute) => {
          const schedule = cron(`${minute} ${hour} * * *`, timeZone);
          let afterMs = Date.UTC(2026, 0, 1, 12);
          let count = 0;
          const days = new Set<string>();
          for (;;) {
            const tick = nextFiring(schedule, { afterMs, anchorMs: 0 }) ?? Infinity;
            if (tick >= Date.UTC(2027, 0, 1, 12)) break;
            count++;
            days.add(new Date(tick + ZoneClock.of(timeZone).offsetAt(tick)).toISOString().slice(0, 10));
            afterMs = tick;
          }
          expect(count).toBe(365);
          expect(days.size).toBe(365);
        },
      ),
      { numRuns: 6 },
    );
  });
});
