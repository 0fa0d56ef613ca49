import { PERIOD_UNITS } from '@gantry/protocol';

const FIVE_WORDS = /^\S+( \S+){4}$/;

/** True for the shape of a schedule; whether it can be due at all, builds and servers find out. */
export function isScheduleSpec(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const spec = value as Record<string, unknown>;
  if (spec['type'] === 'cron') {
    const { expression, timeZone } = spec;
    const zoned = timeZone === undefined || typeof timeZone === 'string';
    return typeof expression === 'string' && FIVE_WORDS.test(expression) && zoned;
  }
  return spec['type'] === 'period' && PERIOD_UNITS.every((unit) => isAmount(unit, spec[unit]));
}

function isAmount(unit: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return false;
  return unit === 'seconds' || Number.isInteger(value);
}
