import { type HourUsage, NO_USAGE, sumOfUsage, type UsagePeriod, type UsageRow } from '@gantry/protocol';

const DAY_MS = 24 * 3_600_000;

/** What one environment used, by function and by hour or day (of UTC), oldest first, then by name. */
export function usageRows(
  hours: readonly HourUsage[],
  { environment, per }: { environment: string; per: UsagePeriod },
): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const { hourMs, functions } of hours) {
    const startMs = startOf(hourMs, per);
    for (const { environment: where, appId, appName, functionName, ...usage } of functions) {
      if (where !== environment) continue;
      const key = JSON.stringify([startMs, appId, functionName]);
      const sum = sumOfUsage(rows.get(key) ?? NO_USAGE, usage);
      rows.set(key, { ...(startMs !== undefined && { startMs }), appId, appName, functionName, ...sum });
    }
  }
  return [...rows.values()].sort(byTimeAndName);
}

function startOf(hourMs: number, per: UsagePeriod): number | undefined {
  if (per === 'total') return undefined;
  return per === 'hour' ? hourMs : Math.floor(hourMs / DAY_MS) * DAY_MS;
}

function byTimeAndName(left: UsageRow, right: UsageRow): number {
  const byTime = (left.startMs ?? 0) - (right.startMs ?? 0);
  const byApp = (left.appName ?? left.appId).localeCompare(right.appName ?? right.appId);
  return byTime || byApp || left.functionName.localeCompare(right.functionName);
}
