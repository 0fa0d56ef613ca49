import { Volume } from 'gantry';

import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { toTable } from '../terminal/table.ts';
import { toAge, toSize } from '../terminal/units.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';

export const volumeListCommand: CommandSpec = {
  path: ['volume', 'list'],
  summary: 'list volumes',
  options: [ENVIRONMENT_OPTION, SHARED_OPTIONS.json],
  examples: [['gantry volume list', 'volumes of the environment']],
  async run(context, input) {
    const { terminal } = context;
    const volumes = await withClient(context, input, (client) => Volume.list({ client }));
    if (input.options.flag('json')) return terminal.out(JSON.stringify(volumes, undefined, 2));
    if (volumes.length === 0) return terminal.note('No volumes. Make one: gantry volume create <name>');
    const nowMs = Date.now();
    const lines = toTable(
      [
        { title: 'name', cell: ({ name }) => terminal.style.bold(name) },
        { title: 'id', cell: ({ id }) => terminal.style.dim(id) },
        { title: 'entries', cell: ({ entries }) => String(entries), align: 'right' },
        { title: 'size', cell: ({ sizeBytes }) => toSize(sizeBytes), align: 'right' },
        {
          title: 'changed',
          cell: ({ version, committedAtMs }) => (version > 0 ? toAge(committedAtMs, nowMs) : '-'),
        },
        { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
      ],
      volumes,
      terminal.style,
    );
    for (const line of lines) terminal.out(line);
  },
};
