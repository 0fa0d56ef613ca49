import type { AppSummary, FunctionSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { unplaceableNotes } from '../unplaceable-notes.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

const RECENT_MS = 2 * 3600 * 1000;

export const appListCommand: CommandSpec = {
  path: ['app', 'list'],
  summary: 'list apps that run, and those stopped within the last two hours',
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [
    ['gantry app list', 'apps of the environment'],
    ['gantry app list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { environment: options.text('env') });
    const nowMs = Date.now();
    const apps = (await new ApiClient(connection).listApps())
      .filter((app) => app.stoppedAtMs === undefined || nowMs - app.stoppedAtMs < RECENT_MS)
      .sort((a, b) => b.createdAtMs - a.createdAtMs);
    if (options.flag('json')) return terminal.out(JSON.stringify(apps, undefined, 2));
    if (apps.length === 0) {
      return terminal.note(
        `No apps in environment "${connection.environment}". Deploy one: gantry deploy <entry>`,
      );
    }
    const hasDescriptions = apps.some(({ description }) => description !== undefined);
    const columns = appColumns(terminal.style, nowMs, hasDescriptions);
    for (const line of toTable(columns, apps, terminal.style)) terminal.out(line);
    for (const note of unplaceableNotes(apps)) terminal.note(note);
  },
};

function appColumns(style: Style, nowMs: number, hasDescriptions: boolean): Column<AppSummary>[] {
  return [
    { title: 'app', cell: (app) => (app.name === undefined ? '-' : style.bold(app.name)) },
    { title: 'id', cell: (app) => style.dim(app.id) },
    {
      title: 'state',
      cell: (app) => paintState(app, style),
    },
    { title: 'version', cell: (app) => (app.version > 0 ? `v${app.version}` : '-'), align: 'right' },
    { title: 'containers', cell: (app) => String(app.containers), align: 'right' },
    {
      title: 'functions',
      cell: (app) => app.functions.map((each) => describe(each, style)).join(', ') || '-',
    },
    ...(hasDescriptions ? [{ title: 'description', cell: (app: AppSummary) => app.description ?? '-' }] : []),
    { title: 'created', cell: (app) => toAge(app.createdAtMs, nowMs) },
  ];
}

function paintState({ state, functions }: AppSummary, style: Style): string {
  if (state === 'stopped') return style.dim(state);
  return functions.some(({ crashLoop }) => crashLoop) ? style.red(state) : style.green(state);
}

function describe({ name, crashLoop }: FunctionSummary, style: Style): string {
  return crashLoop ? style.red(`${name} (crash-looping: ${crashLoop.failures} failed)`) : name;
}
