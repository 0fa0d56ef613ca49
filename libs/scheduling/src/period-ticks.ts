import { InvalidError, PERIOD_UNITS, type PeriodSpec } from '@gantry/protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SHORTEST_MONTH_MS = 28 * DAY_MS;
const SHORTEST_PERIOD_MS = SECOND_MS;

interface Step {
  months: number;
  restMs: number;
}

/**
 * The first tick after `afterMs` of a period that counts from `anchorMs`; the anchor itself is none.
 *
 * Calendar arithmetic in UTC: the k-th tick is k times the period after the anchor, so that a month keeps its
 * day, and the 31st becomes the last day only where a month has no 31st.
 *
 * @throws InvalidError for a period that {@link assertPeriod} refuses.
 */
export function nextPeriodTick(spec: PeriodSpec, anchorMs: number, afterMs: number): number {
  const step = stepOf(spec);
  const elapsedMs = Math.max(0, afterMs - anchorMs);
  if (step.months === 0) return anchorMs + (Math.floor(elapsedMs / step.restMs) + 1) * step.restMs;
  let low = 1;
  let high = Math.ceil(elapsedMs / (step.months * SHORTEST_MONTH_MS + step.restMs)) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (tickAt(step, anchorMs, middle) > afterMs) high = middle;
    else low = middle + 1;
  }
  return tickAt(step, anchorMs, low);
}

/** @throws InvalidError unless every unit is a whole number from 0 (seconds: a number) and all make at least 1 s. */
export function assertPeriod(spec: PeriodSpec): void {
  for (const unit of PERIOD_UNITS) {
    const value = spec[unit];
    if (value === undefined) continue;
    const whole = unit === 'seconds' || Number.isInteger(value);
    if (Number.isFinite(value) && value >= 0 && whole) continue;
    throw new InvalidError(
      `the ${unit} of a period must be a ${unit === 'seconds' ? '' : 'whole '}number from 0, not ${String(value)}`,
    );
  }
  const { months, restMs } = stepOf(spec);
  if (months > 0 || restMs >= SHORTEST_PERIOD_MS) return;
  throw new InvalidError('a period must be at least one second long', {
    hint: 'Write new Period({ hours: 5 }).',
  });
}

function stepOf(spec: PeriodSpec): Step {
  const { years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0 } = spec;
  const restMs = (weeks * 7 + days) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
  return { months: years * 12 + months, restMs: Math.round(restMs) };
}

function tickAt({ months, restMs }: Step, anchorMs: number, count: number): number {
  return addMonths(anchorMs, months * count) + restMs * count;
}

function addMonths(instantMs: number, months: number): number {
  const date = new Date(instantMs);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}
