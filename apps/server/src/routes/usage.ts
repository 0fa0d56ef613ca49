import { DEFAULTS, InvalidError, USAGE_PERIODS, type UsagePeriod, type UsageReport } from '@gantry/protocol';
import { Hono } from 'hono';

import type { HttpServerOptions } from '../http-server.ts';
import { usageRows } from '../usage/usage-rows.ts';

const HOUR_MS = 3_600_000;

/** What functions used. */
export function usageRoutes({ messaging, environments }: HttpServerOptions): Hono {
  return new Hono().get('/usage', async (context) => {
    const { environment = DEFAULTS.environment, from, to, per = 'total' } = context.req.query();
    assertPeriod(per);
    const id = await environments.idOf(environment);
    // Whole hours: nothing finer is known.
    const fromMs = Math.floor(readTime('from', from) / HOUR_MS) * HOUR_MS;
    const toMs = Math.ceil(readTime('to', to) / HOUR_MS) * HOUR_MS;
    const hours = await messaging.usage.read({ fromMs, toMs });
    const rows = usageRows(hours, { environment: id, per });
    return context.json({ environment, fromMs, toMs, rows } satisfies UsageReport);
  });
}

function readTime(name: string, text: string | undefined): number {
  const timeMs = Number(text);
  if (text !== undefined && Number.isSafeInteger(timeMs) && timeMs >= 0) return timeMs;
  throw new InvalidError(`"${name}" must be a time in milliseconds since 1970, not "${text ?? ''}"`);
}

function assertPeriod(text: string): asserts text is UsagePeriod {
  if (USAGE_PERIODS.some((period) => period === text)) return;
  throw new InvalidError(`"per" must be ${USAGE_PERIODS.join(', ')}, not "${text}"`);
}
