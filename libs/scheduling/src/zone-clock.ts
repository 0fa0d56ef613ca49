import { InvalidError } from '@gantry/protocol';

const DAY_MS = 24 * 3600 * 1000;
const clocks = new Map<string, ZoneClock>();

/**
 * The wall clock of a time zone. A wall time is the number of milliseconds that the same reading would have in
 * UTC, so that wall times can be counted with.
 */
export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  private constructor(timeZone: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch (cause) {
      throw new InvalidError(`"${timeZone}" is no time zone`, {
        cause,
        hint: 'Use an IANA name, such as "Europe/Berlin", or leave it out for UTC.',
      });
    }
  }

  /** @throws InvalidError for a name that is no time zone. */
  static of(timeZone: string): ZoneClock {
    let clock = clocks.get(timeZone);
    if (!clock) {
      clock = new ZoneClock(timeZone);
      clocks.set(timeZone, clock);
    }
    return clock;
  }

  /** Wall time minus UTC at an instant, in milliseconds. */
  offsetAt(instantMs: number): number {
    const whole = Math.floor(instantMs / 1000) * 1000;
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(whole)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
  }

  /**
   * The first instant that shows a wall time; for a wall time that the clock jumps over, the instant of the
   * jump. Never falls as the wall time rises.
   */
  instantOf(wallMs: number): number {
    const before = this.offsetAt(wallMs - DAY_MS);
    const after = this.offsetAt(wallMs + DAY_MS);
    const candidates = [wallMs - Math.max(before, after), wallMs - Math.min(before, after)];
    const [early = wallMs, late = wallMs] = candidates;
    for (const instant of candidates) if (this.offsetAt(instant) === wallMs - instant) return instant;
    return this.changeWithin(early, late) ?? late;
  }

  /** The instant in `(fromMs, toMs]` at which the offset changes; undefined if it is the same at both ends. */
  changeWithin(fromMs: number, toMs: number): number | undefined {
    const offset = this.offsetAt(fromMs);
    if (this.offsetAt(toMs) === offset) return undefined;
    let same = fromMs;
    let changed = toMs;
    while (changed - same > 1) {
      const middle = Math.floor((same + changed) / 2);
      if (this.offsetAt(middle) === offset) same = middle;
      else changed = middle;
    }
    return changed;
  }
}
