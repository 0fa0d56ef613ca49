import { isShellPool, type ContainerSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { crashLoopNotes } from '../crash-loop-notes.ts';
import { unplaceableNotes } from '../unplaceable-notes.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

export const containerListCommand: CommandSpec = {
  path: ['container', 'list'],
  summary: 'list running containers',
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [
    ['gantry container list', 'containers of the environment'],
    ['gantry container list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { environment: options.text('env') });
    const client = new ApiClient(connection);
    const containers = await client.listContainers();
    if (options.flag('json')) return terminal.out(JSON.stringify(containers, undefined, 2));
    const apps = await client.listApps();
    for (const note of [...crashLoopNotes(apps, Date.now()), ...unplaceableNotes(apps)]) terminal.note(note);
    if (containers.length === 0) {
      return terminal.note(`No containers run in environment "${connection.environment}".`);
    }
    const columns = containerColumns(terminal.style, Date.now());
    for (const line of toTable(columns, containers, terminal.style)) terminal.out(line);
  },
};

function containerColumns(style: Style, nowMs: number): Column<ContainerSummary>[] {
  return [
    { title: 'container', cell: (container) => container.containerId },
    { title: 'app', cell: (container) => style.bold(container.appName ?? container.appId) },
    { title: 'function', cell: functionText },
    { title: 'version', cell: (container) => `v${container.version}`, align: 'right' },
    { title: 'state', cell: (container) => paintState(container.state, style) },
    { title: 'inputs', cell: (container) => `${container.running}/${container.maxInputs}`, align: 'right' },
    { title: 'started', cell: (container) => toAge(container.startedAtMs, nowMs) },
    { title: 'machine', cell: (container) => style.dim(container.hostname) },
  ];
}

function functionText({ functionName, pool, gang }: ContainerSummary): string {
  if (gang) return `${functionName} (rank ${gang.rank} of ${gang.size})`;
  return isShellPool(pool) ? `${functionName} (shell)` : functionName;
}

function paintState(state: ContainerSummary['state'], style: Style): string {
  if (state === 'ready') return style.green(state);
  return state === 'starting' ? style.yellow(state) : style.dim(state);
}
