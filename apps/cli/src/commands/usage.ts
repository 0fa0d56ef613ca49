import {
  NO_USAGE,
  sumOfUsage,
  type Usage,
  USAGE_PERIODS,
  type UsagePeriod,
  type UsageReport,
  type UsageRow,
} from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { UsageError } from '../usage-error.ts';

const SECONDS_PER_HOUR = 3_600;
const UNITS_MS: Record<string, number> = { h: 3_600_000, d: 24 * 3_600_000 };

export const usageCommand: CommandSpec = {
  path: ['usage'],
  summary: 'what functions used of machines: CPU, memory and GPUs, in hours',
  details:
    'Of CPU and memory, what was reserved counts, or what was used where that is more; containers that wait for work count, ' +
    'too. Times are of UTC, in full hours; the last minute may be missing. It is known for 400 days.',
  options: [
    {
      flags: '--from <time>',
      description: 'a date such as 2026-11-01, or how long ago: 24h, 7d',
      fallback: 'the first of this month',
    },
    { flags: '--to <time>', description: 'the same; a date is not included', fallback: 'now' },
    { flags: '--per <period>', description: USAGE_PERIODS.join(', '), fallback: 'total' },
    SHARED_OPTIONS.environment,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry usage', 'what each function used this month'],
    ['gantry usage --from 7d --per day', 'the last seven days, day by day'],
    ['gantry usage --from 2026-10-01 --to 2026-11-01 --json', 'October, in seconds, for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const nowMs = Date.now();
    const fromMs = readTime('from', options.text('from'), nowMs) ?? startOfMonth(nowMs);
    const toMs = readTime('to', options.text('to'), nowMs) ?? nowMs;
    if (fromMs >= toMs) throw new UsageError('--from must be before --to');
    const per = readPeriod(options.text('per') ?? 'total');
    const client = new ApiClient(findConnection(env, { environment: options.text('env') }));
    const report = await client.usage({ fromMs, toMs, per });
    if (options.flag('json')) return terminal.out(JSON.stringify(report, undefined, 2));
    if (report.rows.length === 0) return terminal.note(`Nothing ran ${timeText(report)}.`);
    for (const line of toLines(report, per, terminal.style)) terminal.out(line);
    terminal.note(`Hours in the environment "${report.environment}", ${timeText(report)}.`);
  },
};

function toLines({ rows }: UsageReport, per: UsagePeriod, style: Style): string[] {
  const total = rows.reduce<Usage>(sumOfUsage, NO_USAGE);
  const sum: UsageRow = { appId: '', appName: 'total', functionName: '', ...total };
  return toTable(columns(per), rows.length > 1 ? [...rows, sum] : rows, style);
}

function columns(per: UsagePeriod): Column<UsageRow>[] {
  const hours = (title: string, secondsOf: (row: UsageRow) => number): Column<UsageRow> => ({
    title,
    cell: (row) => toHours(secondsOf(row)),
    align: 'right',
  });
  return [
    ...(per === 'total' ? [] : [{ title: per, cell: (row: UsageRow) => startText(row, per) }]),
    { title: 'app', cell: ({ appName, appId }) => appName ?? appId },
    { title: 'function', cell: ({ functionName }) => functionName },
    hours('containers', ({ containerSeconds }) => containerSeconds),
    hours('cores', ({ cpuSeconds }) => cpuSeconds),
    hours('gib', ({ memoryGiBSeconds }) => memoryGiBSeconds),
    { title: 'gpus', cell: ({ gpuSeconds }) => gpuText(gpuSeconds) },
  ];
}

function gpuText(gpuSeconds: Usage['gpuSeconds']): string {
  const types = Object.entries(gpuSeconds).sort(([left], [right]) => (left < right ? -1 : 1));
  return types.map(([type, seconds]) => `${type} ${toHours(seconds)}`).join(', ') || '-';
}

/** What is little is not told as none. */
function toHours(seconds: number): string {
  const hours = seconds / SECONDS_PER_HOUR;
  return hours > 0 && hours < 0.1 ? hours.toPrecision(2) : hours.toFixed(2);
}

function startText({ startMs }: UsageRow, per: UsagePeriod): string {
  return startMs === undefined ? '' : timeOf(startMs).slice(0, per === 'day' ? 10 : 16);
}

function timeText({ fromMs, toMs }: UsageReport): string {
  return `from ${timeOf(fromMs)} to ${timeOf(toMs)} (UTC)`;
}

function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').slice(0, 16);
}

function startOfMonth(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
}

function readTime(name: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d+)([hd])$/.exec(text) ?? [];
  if (unit !== '') return Math.max(0, nowMs - Number(count) * (UNITS_MS[unit] ?? 0));
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (timeMs >= 0) return timeMs;
  throw new UsageError(
    `--${name} must be a date such as 2026-11-01, or an age such as 24h or 7d, not "${text}"`,
  );
}

function readPeriod(text: string): UsagePeriod {
  const found = USAGE_PERIODS.find((period) => period === text);
  if (found) return found;
  throw new UsageError(`--per must be ${USAGE_PERIODS.join(', ')}, not "${text}"`);
}
