import type { FunctionSpec, ScheduleSpec } from '@gantry/protocol';
import { Cron } from 'croner';

import type { Mistake } from './mistake.ts';

const FIVE_FIELDS = /^[\w*,/#-]+( [\w*,/#-]+){4}$/;
const CRON_HINT = 'Write minute, hour, day of month, month and day of week, such as "5 4 * * *".';

/** What is wrong with the schedules of an app's functions. */
export function scheduleMistakes(functions: readonly FunctionSpec[]): Mistake[] {
  return functions.flatMap((spec) => {
    const { schedule, name, site, methods } = spec;
    if (!schedule) return [];
    const mistakes: Mistake[] = [];
    const unreadable = expressionMistake(schedule);
    if (unreadable) mistakes.push({ ...site, ...unreadable });
    const needed = (methods[0]?.params ?? []).filter(({ optional, rest }) => !optional && !rest);
    if (needed.length > 0) {
      const names = needed.map((param) => `"${param.name}"`).join(', ');
      const what = `"${name}" has a schedule, which calls it without arguments, but it needs ${names}`;
      mistakes.push({ ...site, what, hint: 'Give the parameters default values.' });
    }
    if (methods[0]?.handlerKind.toLowerCase().endsWith('generator')) {
      const what = `"${name}" has a schedule, but nobody takes the values that it yields`;
      mistakes.push({ ...site, what, hint: 'Schedule a function that consumes the generator.' });
    }
    return mistakes;
  });
}

function expressionMistake(schedule: ScheduleSpec): { what: string; hint: string } | undefined {
  if (schedule.type !== 'cron') return undefined;
  const { expression } = schedule;
  if (!FIVE_FIELDS.test(expression)) {
    return { what: `"${expression}" is no cron expression with five fields`, hint: CRON_HINT };
  }
  try {
    // Only asked for its dates, in UTC: nothing is ever run by it.
    const next = new Cron(expression, { mode: '5-part', timezone: 'UTC', paused: true }).nextRun(new Date(0));
    if (next) return undefined;
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, '');
    return { what: `"${expression}" is no cron expression: ${reason}`, hint: CRON_HINT };
  }
  const what = `the cron expression "${expression}" is never due`;
  return { what, hint: 'Its day of month does not exist in its months.' };
}
