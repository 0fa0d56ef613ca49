import type { AppSummary, ScheduleSpec } from '@gantry/protocol';

/** What an app is called: its name, else what it was run from, else its id. */
export function appLabel({ name, description, id }: AppSummary): string {
  return name ?? description ?? id;
}

/** A schedule as people write it: `0 8 * * 1 (Europe/Berlin)`, `every 5 hours`. */
export function scheduleText(schedule: ScheduleSpec): string {
  if (schedule.type === 'cron') return `${schedule.expression} (${schedule.timeZone ?? 'UTC'})`;
  const units = Object.entries(schedule).filter(([unit, value]) => unit !== 'type' && Number(value) > 0);
  return `every ${units.map(([unit, value]) => `${value} ${value === 1 ? unit.slice(0, -1) : unit}`).join(' ')}`;
}

/** `1 container`, `2 containers`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The end of an id, which tells two of one time apart. */
export function shortId(id: string): string {
  const [prefix = '', rest = ''] = id.split('-');
  return rest.length > 8 ? `${prefix}-…${rest.slice(-6)}` : id;
}

/** A web address, if it is one that a link may lead to. */
export function webAddress(url: string): string | undefined {
  const protocol = URL.parse(url)?.protocol;
  return protocol === 'https:' || protocol === 'http:' ? url : undefined;
}
