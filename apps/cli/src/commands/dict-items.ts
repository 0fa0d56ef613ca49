import { inspect } from 'node:util';

import { Dict } from 'gantry';

import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { parseInteger } from '../option-values.ts';
import { toTable } from '../terminal/table.ts';
import { plain } from '../terminal/plain.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';

const WIDEST = 60;

export const dictItemsCommand: CommandSpec = {
  path: ['dict', 'items'],
  summary: 'show entries of a dict',
  arguments: [
    { usage: '<name>', description: 'name of the dict' },
    { usage: '[count]', description: 'how many entries (default: 20)' },
  ],
  options: [
    { flags: '-a, --all', description: 'all of them, which may take a while' },
    { flags: '-r, --repr', description: 'show keys and values in full, as code shows them' },
    SHARED_OPTIONS.json,
    ENVIRONMENT_OPTION,
  ],
  examples: [
    ['gantry dict items shared', 'the first 20 entries'],
    ['gantry dict items shared 100 --json', 'the first 100, for programs'],
  ],
  async run(context, input) {
    const [name = '', count = '20'] = input.arguments;
    const { options } = input;
    const most = options.flag('all')
      ? Infinity
      : parseInteger('[count]', count, { min: 1, max: Number.MAX_SAFE_INTEGER });
    const { entries, hasMore } = await withClient(context, input, (client) =>
      firstOf(Dict.fromName(name, { client }).items(), most),
    );
    const { terminal } = context;
    if (options.flag('json')) {
      return terminal.out(
        JSON.stringify(
          entries.map(([key, value]) => ({ key: plain(key), value: plain(value) })),
          undefined,
          2,
        ),
      );
    }
    if (entries.length === 0) return terminal.note(`Dict "${name}" has no entries.`);
    const show = options.flag('repr')
      ? (value: unknown) => inspect(value, { depth: 10, breakLength: Infinity })
      : brief;
    const columns = [
      { title: 'key', cell: ([key]: [unknown, unknown]) => show(key) },
      { title: 'value', cell: ([, value]: [unknown, unknown]) => show(value) },
    ];
    for (const line of toTable(columns, entries, terminal.style)) terminal.out(line);
    if (hasMore) terminal.note(`There are more: gantry dict items ${name} --all`);
  },
};

async function firstOf<T>(
  values: AsyncIterable<T>,
  most: number,
): Promise<{ entries: T[]; hasMore: boolean }> {
  const entries: T[] = [];
  for await (const value of values) {
    if (entries.length === most) return { entries, hasMore: true };
    entries.push(value);
  }
  return { entries, hasMore: false };
}

function brief(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : inspect(value, { depth: 1, breakLength: Infinity, maxArrayLength: 5 });
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > WIDEST ? `${line.slice(0, WIDEST - 1)}…` : line;
}
