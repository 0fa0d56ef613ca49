import { InvalidError, PERIOD_UNITS, type ScheduleSpec } from '@gantry/protocol';

import { checkKeys } from './option-checks.ts';

/** When the platform calls a function by itself: {@link Cron} or {@link Period}. */
export abstract class Schedule {
  /** The schedule as the manifest carries it. */
  abstract toJSON(): ScheduleSpec;
}

export interface CronOptions {
  /** IANA name of the zone whose wall clock counts, such as `Europe/Berlin`. @defaultValue UTC */
  timeZone?: string;
}

/**
 * Calls a function at wall clock times, whenever it was deployed.
 *
 * The fields are minute, hour, day of month, month and day of week, as in a crontab. The build checks them.
 *
 * @example
 * ```ts
 * export const report = app.function(
 *   { schedule: new Cron('0 8 * * 1', { timeZone: 'Europe/Berlin' }) },
 *   async () => { … },
 * );
 * ```
 */
export class Cron extends Schedule {
  readonly expression: string;
  readonly timeZone: string | undefined;

  /** @throws {@link InvalidError} unless there are five fields and the time zone exists. */
  constructor(expression: string, options: CronOptions = {}) {
    super();
    if (typeof expression !== 'string' || expression.trim().split(/\s+/).length !== 5) {
      throw new InvalidError(`"${String(expression)}" is no cron expression with five fields`, {
        hint: 'Write minute, hour, day of month, month and day of week, such as "5 4 * * *".',
      });
    }
    checkKeys('Cron', options, ['timeZone']);
    if (options.timeZone !== undefined) assertTimeZone(options.timeZone);
    this.expression = expression.trim().split(/\s+/).join(' ');
    this.timeZone = options.timeZone;
  }

  toJSON(): ScheduleSpec {
    const { expression, timeZone } = this;
    return { type: 'cron', expression, ...(timeZone === undefined ? {} : { timeZone }) };
  }
}

/** Units of a {@link Period}; they add up. All are whole numbers, but seconds may have a fraction. */
export interface PeriodOptions {
  years?: number;
  months?: number;
  weeks?: number;
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
}

/**
 * Calls a function again and again, first one period after the deploy. Each deploy starts the count anew.
 *
 * Calendar arithmetic in UTC: `months: 1` keeps the day of the month, or takes the last where it is missing.
 *
 * @example
 * ```ts
 * export const sync = app.function({ schedule: new Period({ hours: 5 }) }, async () => { … });
 * ```
 */
export class Period extends Schedule {
  readonly units: Readonly<PeriodOptions>;

  /** @throws {@link InvalidError} on an unknown unit, a value that is no number from 0, or less than one second in all. */
  constructor(units: PeriodOptions) {
    super();
    checkKeys('Period', units, PERIOD_UNITS);
    for (const unit of PERIOD_UNITS) assertUnit(unit, units[unit]);
    const { seconds = 0, ...larger } = units;
    if (seconds < 1 && !Object.values(larger).some((value) => value > 0)) {
      throw new InvalidError('a Period must be at least one second long', {
        hint: 'Write new Period({ hours: 5 }).',
      });
    }
    this.units = { ...units };
  }

  toJSON(): ScheduleSpec {
    const given = PERIOD_UNITS.flatMap((unit) => (this.units[unit] ? [[unit, this.units[unit]]] : []));
    return { type: 'period', ...(Object.fromEntries(given) as PeriodOptions) };
  }
}

/** @throws {@link InvalidError} if the option `schedule` of a function is no {@link Schedule}. */
export function checkScheduleOption(subject: string, schedule: unknown): void {
  if (schedule === undefined || schedule instanceof Schedule) return;
  throw new InvalidError(`${subject}: schedule must be a Cron or a Period`, {
    hint: "Write schedule: new Cron('0 8 * * *'), or new Period({ hours: 5 }).",
  });
}

/** @throws {@link InvalidError} if the options of a class have a schedule. */
export function refuseSchedule(subject: string, options: object): void {
  if (!('schedule' in options) || options.schedule === undefined) return;
  throw new InvalidError(`${subject}: a class cannot have a schedule`, {
    hint: 'Give the schedule to an app.function() that calls the method.',
  });
}

function assertUnit(unit: (typeof PERIOD_UNITS)[number], value: unknown): void {
  if (value === undefined) return;
  const whole = unit === 'seconds' || Number.isInteger(value);
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && whole) return;
  const kind = unit === 'seconds' ? 'a number' : 'a whole number';
  throw new InvalidError(`Period: ${unit} must be ${kind} from 0, not ${String(value)}`);
}

function assertTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: String(timeZone) });
  } catch (cause) {
    throw new InvalidError(`Cron: "${String(timeZone)}" is no time zone`, {
      cause,
      hint: 'Use an IANA name, such as "Europe/Berlin", or leave it out for UTC.',
    });
  }
}
