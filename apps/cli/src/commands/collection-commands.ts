import { type Client, type CollectionSummary, Dict, Queue } from 'gantry';

import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { type Column, toTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { toAge } from '../terminal/units.ts';
import { ENVIRONMENT_OPTION, isConfirmed, withClient, YES_OPTION } from '../volumes/volume-client.ts';

/** The static side of `Dict` and of `Queue`. */
interface Handles {
  fromName(
    name: string,
    options: { client: Client; createIfMissing: boolean },
  ): { hydrate(): Promise<unknown> };
  list(options: { client: Client }): Promise<CollectionSummary[]>;
  delete(name: string, options: { client: Client }): Promise<void>;
}

/** What dicts and queues have in common, and what each calls it. */
interface Kind {
  word: 'dict' | 'queue';
  Handle: Handles;
  summary: string;
  /** What it holds. */
  parts: string;
  /** Lines of a program that uses it. */
  usage(name: string): string[];
  columns: Column<CollectionSummary>[];
}

const DICT: Kind = {
  ...{ word: 'dict', Handle: Dict, parts: 'entries' },
  summary: 'make a dict: entries by key that programs and containers share',
  usage: (name) => [
    `const dict = Dict.fromName<string, number>('${name}');`,
    `await dict.put('answer', 42);`,
  ],
  columns: [{ title: 'entries', cell: ({ length }) => String(length), align: 'right' }],
};

const QUEUE: Kind = {
  ...{ word: 'queue', Handle: Queue, parts: 'items' },
  summary: 'make a queue: items in order, each for one of those who take',
  usage: (name) => [`const queue = Queue.fromName<string>('${name}');`, `await queue.put('job');`],
  columns: [
    { title: 'partitions', cell: ({ partitions }) => String(partitions ?? 0), align: 'right' },
    { title: 'items', cell: ({ length }) => String(length), align: 'right' },
  ],
};

export const ALL_PARTITIONS = { flags: '-a, --all', description: 'of all partitions' };
export const PARTITION_OPTION = {
  flags: '-p, --partition <key>',
  description: 'partition',
  fallback: 'the one without a key',
};

function argumentOf({ word }: Kind) {
  return { usage: '<name>', description: `name of the ${word}` };
}

function createCommand(kind: Kind): CommandSpec {
  const { word, Handle, summary, usage } = kind;
  return {
    path: [word, 'create'],
    summary,
    arguments: [argumentOf(kind)],
    options: [ENVIRONMENT_OPTION],
    examples: [[`gantry ${word} create shared`, `make the ${word} "shared", if there is none`]],
    async run(context, input) {
      const [name = ''] = input.arguments;
      await withClient(context, input, async (client) => {
        await Handle.fromName(name, { client, createIfMissing: true }).hydrate();
      });
      const { terminal } = context;
      terminal.out(`There is a ${word} ${terminal.style.bold(name)}. Use it in a program:`);
      terminal.note('');
      for (const line of usage(name)) terminal.note(`  ${line}`);
    },
  };
}

function listCommand({ word, Handle, columns }: Kind): CommandSpec {
  return {
    path: [word, 'list'],
    summary: `list ${word}s`,
    options: [ENVIRONMENT_OPTION, SHARED_OPTIONS.json],
    examples: [[`gantry ${word} list`, `${word}s of the environment`]],
    async run(context, input) {
      const { terminal } = context;
      const found = await withClient(context, input, (client) => Handle.list({ client }));
      if (input.options.flag('json')) return terminal.out(JSON.stringify(found, undefined, 2));
      if (found.length === 0) return terminal.note(`No ${word}s. Make one: gantry ${word} create <name>`);
      for (const line of toTable(allColumns(columns, terminal), found, terminal.style)) terminal.out(line);
    },
  };
}

function allColumns(own: Column<CollectionSummary>[], { style }: Terminal): Column<CollectionSummary>[] {
  const nowMs = Date.now();
  return [
    { title: 'name', cell: ({ name = '' }) => style.bold(name) },
    { title: 'id', cell: ({ id }) => style.dim(id) },
    ...own,
    { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
  ];
}

function deleteCommand(kind: Kind): CommandSpec {
  const { word, Handle, parts } = kind;
  return {
    path: [word, 'delete'],
    summary: `delete a ${word} and all its ${parts}`,
    arguments: [argumentOf(kind)],
    options: [YES_OPTION, ENVIRONMENT_OPTION],
    examples: [[`gantry ${word} delete shared`, 'asks before it deletes']],
    async run(context, input) {
      const [name = ''] = input.arguments;
      const question = `Delete ${word} "${name}" and all its ${parts}? They cannot be brought back.`;
      if (!(await isConfirmed(input, question))) return EXIT_CODES.failed;
      await withClient(context, input, (client) => Handle.delete(name, { client }));
      return context.terminal.out(`Deleted ${word} "${name}".`);
    },
  };
}

interface Clearing {
  kind: Kind;
  options: CommandSpec['options'];
  clear(client: Client, name: string, input: Parameters<CommandSpec['run']>[1]): Promise<void>;
}

function clearCommand({ kind, options = [], clear }: Clearing): CommandSpec {
  const { word, parts } = kind;
  return {
    path: [word, 'clear'],
    summary: `remove ${parts} of a ${word}`,
    arguments: [argumentOf(kind)],
    options: [...options, YES_OPTION, ENVIRONMENT_OPTION],
    examples: [[`gantry ${word} clear shared`, 'asks before it removes them']],
    async run(context, input) {
      const [name = ''] = input.arguments;
      if (!(await isConfirmed(input, `Remove ${parts} of ${word} "${name}"? They cannot be brought back.`))) {
        return EXIT_CODES.failed;
      }
      await withClient(context, input, (client) => clear(client, name, input));
      return context.terminal.out(`Cleared ${word} "${name}".`);
    },
  };
}

export const dictCreateCommand = createCommand(DICT);
export const dictListCommand = listCommand(DICT);
export const dictDeleteCommand = deleteCommand(DICT);
export const dictClearCommand = clearCommand({
  kind: DICT,
  options: [],
  clear: (client, name) => Dict.fromName(name, { client }).clear(),
});

export const queueCreateCommand = createCommand(QUEUE);
export const queueListCommand = listCommand(QUEUE);
export const queueDeleteCommand = deleteCommand(QUEUE);
export const queueClearCommand = clearCommand({
  kind: QUEUE,
  options: [PARTITION_OPTION, ALL_PARTITIONS],
  clear: (client, name, { options }) =>
    Queue.fromName(name, { client }).clear({ ...partitionIn(options), all: options.flag('all') }),
});

/** What `--partition` says. */
export function partitionIn(options: { text(name: string): string | undefined }): { partition?: string } {
  const partition = options.text('partition');
  return partition === undefined ? {} : { partition };
}
