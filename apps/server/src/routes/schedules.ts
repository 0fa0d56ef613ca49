import { DEFAULTS, InvalidError, NotFoundError, type ScheduleSummary } from '@gantry/protocol';
import { nextFiring } from '@gantry/scheduling';
import { Hono } from 'hono';

import { functionId } from '../deploy/function-ids.ts';
import type { HttpServerOptions } from '../http-server.ts';
import { runHistory } from '../schedules/run-history.ts';

const SHOWN_RUNS = 10;
const MOST_RUNS = 1_000;

/** Schedules, their runs, and runs by hand. */
export function scheduleRoutes({ apps, functions, messaging, calls }: HttpServerOptions): Hono {
  const environmentOf = (query: string | undefined) => query ?? DEFAULTS.environment;
  return new Hono()
    .get('/apps/:app/schedules', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const limit = readLimit(context.req.query('runs'));
      const own = functions.all().filter(({ appId, stopped }) => appId === app.id && !stopped);
      const schedules: ScheduleSummary[] = [];
      for (const { id, spec, scheduledFromMs: anchorMs } of own) {
        const { name, schedule } = spec;
        if (!schedule || anchorMs === undefined) continue;
        const nextMs = nextFiring(schedule, { afterMs: Date.now(), anchorMs });
        const runs = await runHistory(messaging, id, limit);
        schedules.push({ functionId: id, functionName: name, schedule, nextMs, runs });
      }
      schedules.sort((a, b) => a.functionName.localeCompare(b.functionName));
      return context.json({ schedules });
    })
    .post('/apps/:app/functions/:name/run', async (context) => {
      const app = await apps.find(environmentOf(context.req.query('environment')), context.req.param('app'));
      const name = context.req.param('name');
      const record = await functions.fetch(functionId(app.id, name));
      if (!record || record.stopped) {
        throw new NotFoundError(`app "${app.name ?? app.id}" has no function "${name}" that runs`, {
          hint: 'List its functions: `gantry app list`.',
        });
      }
      return context.json(await calls.runNow(record));
    });
}

function readLimit(query: string | undefined): number {
  const limit = Number(query ?? SHOWN_RUNS);
  if (Number.isInteger(limit) && limit >= 0 && limit <= MOST_RUNS) return limit;
  throw new InvalidError(`"runs" must be a whole number from 0 to ${MOST_RUNS}, not "${query ?? ''}"`);
}
