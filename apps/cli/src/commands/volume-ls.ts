import { type FileEntry, Volume } from 'gantry';

import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { toTable } from '../terminal/table.ts';
import { toAge, toSize } from '../terminal/units.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumeLsCommand: CommandSpec = {
  path: ['volume', 'ls'],
  summary: 'list files of a volume',
  arguments: [VOLUME_ARGUMENT, { usage: '[path]', description: 'directory or file (default: /)' }],
  options: [
    { flags: '-r, --recursive', description: 'with all below' },
    ENVIRONMENT_OPTION,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry volume ls models', 'what is at the top'],
    ['gantry volume ls models /v2', 'what is in a directory'],
  ],
  async run(context, input) {
    const { terminal } = context;
    const [name = '', path = '/'] = input.arguments;
    const recursive = input.options.flag('recursive');
    const entries = await withClient(context, input, (client) =>
      Volume.fromName(name, { client }).listdir(path, { recursive }),
    );
    if (input.options.flag('json')) return terminal.out(JSON.stringify(entries, undefined, 2));
    if (entries.length === 0) return terminal.note(`Nothing is in "${path}".`);
    const nowMs = Date.now();
    const lines = toTable(
      [
        { title: 'path', cell: (entry) => shownPath(entry) },
        { title: 'type', cell: ({ type }) => type },
        {
          title: 'size',
          cell: ({ type, sizeBytes }) => (type === 'file' ? toSize(sizeBytes) : '-'),
          align: 'right',
        },
        { title: 'modified', cell: ({ mtimeMs }) => (mtimeMs > 0 ? toAge(mtimeMs, nowMs) : '-') },
      ],
      entries,
      terminal.style,
    );
    for (const line of lines) terminal.out(line);
  },
};

function shownPath({ path, type, target }: FileEntry): string {
  if (type === 'link') return `${path} -> ${target ?? ''}`;
  return type === 'directory' ? `${path}/` : path;
}
