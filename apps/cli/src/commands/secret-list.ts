import type { SecretSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

export const secretListCommand: CommandSpec = {
  path: ['secret', 'list'],
  summary: 'list secrets and the names of their variables; never values',
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [
    ['gantry secret list', 'secrets of the environment'],
    ['gantry secret list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { environment: options.text('env') });
    const secrets = await new ApiClient(connection).listSecrets();
    if (options.flag('json')) return terminal.out(JSON.stringify(secrets, undefined, 2));
    if (secrets.length === 0) {
      return terminal.note(
        `No secrets in environment "${connection.environment}". Make one: gantry secret create <name> KEY=VALUE`,
      );
    }
    for (const line of toTable(columns(terminal.style, Date.now()), secrets, terminal.style))
      terminal.out(line);
  },
};

function columns(style: Style, nowMs: number): Column<SecretSummary>[] {
  return [
    { title: 'secret', cell: ({ name }) => style.bold(name) },
    { title: 'keys', cell: ({ keys }) => keys.join(', ') || '-' },
    { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
    { title: 'updated', cell: ({ updatedAtMs }) => toAge(updatedAtMs, nowMs) },
    { title: 'id', cell: ({ id }) => style.dim(id) },
  ];
}
