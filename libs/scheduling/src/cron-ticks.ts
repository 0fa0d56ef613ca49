import { type CronSpec, InvalidError } from '@gantry/protocol';
import { Cron } from 'croner';

import { ZoneClock } from './zone-clock.ts';

const FIVE_FIELDS = /^[\w*,/#-]+( [\w*,/#-]+){4}$/;
const EVERY_HOUR = /^\*(\/\d+)?$/;

/**
 * The first instant after `afterMs` at which a cron expression is due; undefined if none ever comes.
 *
 * When the clock changes: an expression with fixed hours fires once for each time of day it names, at the
 * first of two equal wall times, and at the moment of the jump for a time that is jumped over. One whose hour
 * is `*` or `*` with a step follows the clock as it runs, so both of two equal wall times count.
 *
 * @throws InvalidError for an expression or a time zone that cannot be read.
 */
export function nextCronTick(spec: CronSpec, afterMs: number): number | undefined {
  const pattern = parse(spec.expression);
  if (spec.timeZone === undefined) return nextWall(pattern, afterMs);
  const clock = ZoneClock.of(spec.timeZone);
  const hour = spec.expression.trim().split(/\s+/)[1] ?? '';
  return EVERY_HOUR.test(hour)
    ? nextAsClockRuns(pattern, clock, afterMs)
    : nextByWall(pattern, clock, afterMs);
}

function nextByWall(pattern: Cron, clock: ZoneClock, afterMs: number): number | undefined {
  let wall: number | undefined = afterMs + clock.offsetAt(afterMs);
  for (;;) {
    wall = nextWall(pattern, wall);
    if (wall === undefined) return undefined;
    const instant = clock.instantOf(wall);
    // In the second of two equal hours, walls that lie ahead were shown before.
    if (instant > afterMs) return instant;
  }
}

function nextAsClockRuns(pattern: Cron, clock: ZoneClock, afterMs: number): number | undefined {
  let from = afterMs;
  for (;;) {
    const offset = clock.offsetAt(from);
    const wall = nextWall(pattern, from + offset);
    if (wall === undefined) return undefined;
    const instant = wall - offset;
    const change = clock.changeWithin(from, instant);
    if (change === undefined) return instant;
    // One before, because the moment of the change may be a tick itself.
    const first = nextWall(pattern, change - 1 + clock.offsetAt(change));
    if (first === change + clock.offsetAt(change)) return change;
    from = change;
  }
}

function nextWall(pattern: Cron, afterMs: number): number | undefined {
  return pattern.nextRun(new Date(afterMs))?.getTime();
}

function parse(expression: string): Cron {
  const fields = expression.trim().split(/\s+/).join(' ');
  const hint = 'Write minute, hour, day of month, month and day of week, such as "5 4 * * *".';
  if (!FIVE_FIELDS.test(fields)) {
    throw new InvalidError(`"${expression}" is no cron expression with five fields`, { hint });
  }
  try {
    return new Cron(fields, { mode: '5-part', timezone: 'UTC', paused: true });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^CronPattern: /, '');
    throw new InvalidError(`"${expression}" is no cron expression: ${reason}`, { cause, hint });
  }
}
