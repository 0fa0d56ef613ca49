import type { RunSummary, ScheduleSpec, ScheduleSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toDuration } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';

const SHOWN_RUNS = 10;
const MOST_RUNS = 1_000;

export const appSchedulesCommand: CommandSpec = {
  path: ['app', 'schedules'],
  summary: "show an app's schedules: when they are due, and their last runs",
  details: 'Runs are kept for 7 days. Times are in UTC.',
  arguments: [{ usage: '<app>', description: 'name or id of the app' }],
  options: [
    {
      flags: '--runs <count>',
      description: `how many runs of each function, up to ${MOST_RUNS}`,
      fallback: String(SHOWN_RUNS),
    },
    SHARED_OPTIONS.environment,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry app schedules shop', 'schedules of the app "shop"'],
    ['gantry app schedules shop --json', 'the same for programs'],
  ],
  async run({ terminal, env }, input) {
    const { options } = input;
    const app = input.arguments[0] ?? '';
    const runs = readRuns(options.text('runs'));
    const client = new ApiClient(findConnection(env, { environment: options.text('env') }));
    const schedules = await client.listSchedules(app, runs);
    if (options.flag('json')) return terminal.out(JSON.stringify(schedules, undefined, 2));
    if (schedules.length === 0) return terminal.note(`App "${app}" has no schedules.`);
    for (const [index, schedule] of schedules.entries()) {
      if (index > 0) terminal.out('');
      for (const line of scheduleLines(schedule, terminal.style)) terminal.out(line);
    }
  },
};

/** A schedule as people write it: `0 8 * * 1 (Europe/Berlin)`, `every 5 hours`. */
export function scheduleText(schedule: ScheduleSpec): string {
  if (schedule.type === 'cron') return `${schedule.expression} (${schedule.timeZone ?? 'UTC'})`;
  const units = Object.entries(schedule).filter(([unit, value]) => unit !== 'type' && Number(value) > 0);
  return `every ${units.map(([unit, value]) => `${value} ${value === 1 ? unit.slice(0, -1) : unit}`).join(' ')}`;
}

function scheduleLines({ functionName, schedule, nextMs, runs }: ScheduleSummary, style: Style): string[] {
  const next = nextMs === undefined ? 'never again' : `next ${toTime(nextMs)}`;
  const head = `${style.bold(functionName)}  ${scheduleText(schedule)}  ${next}`;
  if (runs.length === 0) return [head, style.dim('  no runs yet')];
  return [head, ...toTable(runColumns(style), runs, style).map((line) => `  ${line}`)];
}

function runColumns(style: Style): Column<RunSummary>[] {
  return [
    { title: 'due', cell: (run) => toTime(run.tickMs) },
    { title: 'outcome', cell: (run) => outcomeText(run, style) },
    {
      title: 'duration',
      cell: ({ durationMs }) => (durationMs === undefined ? '-' : toDuration(durationMs)),
      align: 'right',
    },
    { title: 'call', cell: (run) => run.callId ?? '-' },
    { title: 'message', cell: (run) => run.message ?? '' },
  ];
}

function outcomeText({ kind, outcome, ticks = 1 }: RunSummary, style: Style): string {
  if (kind === 'missed') return style.yellow(ticks > 1 ? `missed ${ticks}` : 'missed');
  if (kind === 'skipped') return style.yellow('skipped');
  const text = kind === 'manual' ? `${outcome} (by hand)` : outcome;
  if (outcome === 'succeeded') return style.green(text);
  return outcome === 'failed' ? style.red(text) : style.dim(text);
}

function toTime(instantMs: number): string {
  return new Date(instantMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$/, 'Z');
}

function readRuns(text: string | undefined): number {
  const runs = Number(text ?? SHOWN_RUNS);
  if (Number.isInteger(runs) && runs >= 0 && runs <= MOST_RUNS) return runs;
  throw new UsageError(`--runs must be a whole number from 0 to ${MOST_RUNS}, not "${text ?? ''}"`);
}
