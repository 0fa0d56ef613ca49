/** When a function is called by the platform: at wall clock times, or again and again after a deploy. */
export type ScheduleSpec = CronSpec | PeriodSpec;

export interface CronSpec {
  type: 'cron';
  /** Minute, hour, day of month, month and day of week. */
  expression: string;
  /** IANA name, such as `Europe/Berlin`. Absent means UTC. */
  timeZone?: string | undefined;
}

/** Units that add up; at least one is above 0. Only seconds may have a fraction. */
export interface PeriodSpec {
  type: 'period';
  years?: number | undefined;
  months?: number | undefined;
  weeks?: number | undefined;
  days?: number | undefined;
  hours?: number | undefined;
  minutes?: number | undefined;
  seconds?: number | undefined;
}

/** The units of a period, largest first. */
export const PERIOD_UNITS = ['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds'] as const;

/** The key of the session that all calls of schedules belong to (see `callSessionKey`). */
export const SCHEDULE_SESSION_KEY = 'ticker';

/** One tick of a schedule, or one run by hand, as the run stream keeps it for 7 days. */
export interface RunRecord {
  functionId: string;
  /** When it was due; for a run by hand, when it was asked for. */
  tickMs: number;
  /** `missed` and `skipped` ticks called nothing. */
  kind: 'tick' | 'manual' | 'missed' | 'skipped';
  /** The call, for ticks and runs by hand. */
  callId?: string | undefined;
  /** Version of the app at the time. */
  version: number;
  /** When this was written. */
  atMs: number;
  /** How many ticks `missed` stands for; the last of them is `tickMs`. */
  ticks?: number | undefined;
  /** Why it was missed or skipped. */
  reason?: string | undefined;
}
