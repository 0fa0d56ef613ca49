import { DEFAULTS, type EnvironmentContents, type EnvironmentSummary } from '@gantry/protocol';
import { type Connection, findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { type CommandSpec, SHARED_OPTIONS } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import type { Style } from '../terminal/style.ts';
import { type Column, toTable } from '../terminal/table.ts';
import { plural, toAge } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';
import { isConfirmed, YES_OPTION } from '../volumes/volume-client.ts';

const ARGUMENT = { usage: '<name>', description: 'name of the environment' };

const environmentListCommand: CommandSpec = {
  path: ['environment', 'list'],
  summary: 'list the environments of the workspace, the one in use here marked',
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [
    ['gantry environment list', 'names and web suffixes'],
    ['gantry environment list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const environments = await new ApiClient(connection).listEnvironments();
    if (options.flag('json')) return terminal.out(JSON.stringify(environments, undefined, 2));
    const { style } = terminal;
    const table = columns(style, { current: connection.environment, nowMs: Date.now() });
    for (const line of toTable(table, environments, style)) terminal.out(line);
    if (environments.some(({ name }) => name === connection.environment)) return;
    terminal.note(
      `The one in use here, "${connection.environment}", is not among them. ` +
        `Make it: gantry environment create ${connection.environment}`,
    );
  },
};

const environmentCreateCommand: CommandSpec = {
  path: ['environment', 'create'],
  summary: 'make an environment: apps, secrets, volumes, dicts and queues of its own',
  details:
    'Names tell upper from lower case. The web suffix is part of the host names of web functions:\n' +
    'https://<workspace>-<suffix>--<app>-<function>.<domain>. One environment can be without, at first main.',
  arguments: [ARGUMENT],
  options: [
    {
      flags: '--web-suffix <text>',
      description: 'what host names have',
      fallback: 'the name, in lower case',
    },
    SHARED_OPTIONS.profile,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry environment create dev', 'then: gantry deploy --env dev'],
    ['gantry environment create customer-7 --web-suffix c7', 'with shorter host names'],
  ],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const client = new ApiClient(findConnection(env, { profile: options.text('profile') }));
    const made = await client.createEnvironment({ name, webSuffix: options.text('webSuffix') });
    if (options.flag('json')) return terminal.out(JSON.stringify(made, undefined, 2));
    terminal.out(
      `Created the environment ${terminal.style.bold(made.name)}. Its host names ${suffixText(made)}.`,
    );
    terminal.note(`Use it: gantry deploy --env ${made.name}, or gantry config set-environment ${made.name}`);
  },
};

const environmentUpdateCommand: CommandSpec = {
  path: ['environment', 'update'],
  summary: 'give an environment another name or web suffix',
  details:
    'All that is in it stays in it, and what runs goes on. The old name is unknown at once. Apps that are deployed keep\n' +
    'their host names until they are deployed again.',
  arguments: [ARGUMENT],
  options: [
    { flags: '--set-name <name>', description: 'new name' },
    { flags: '--set-web-suffix <text>', description: 'new web suffix; empty text: none' },
    SHARED_OPTIONS.profile,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry environment update dev --set-name staging', 'under another name'],
    ['gantry environment update main --set-web-suffix prod', 'from the next deploys on'],
  ],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const webSuffix = options.text('setWebSuffix');
    const change = { name: options.text('setName'), webSuffix };
    if (change.name === undefined && webSuffix === undefined) {
      throw new UsageError('it is not said what is to change', {
        hint: 'Give --set-name, --set-web-suffix, or both.',
      });
    }
    const connection = findConnection(env, { profile: options.text('profile') });
    const changed = await new ApiClient(connection).updateEnvironment(name, change);
    if (options.flag('json')) return terminal.out(JSON.stringify(changed, undefined, 2));
    const { bold } = terminal.style;
    if (change.name !== undefined)
      terminal.out(`The environment ${bold(name)} is now called ${bold(changed.name)}.`);
    if (webSuffix !== undefined)
      terminal.out(
        `Host names of ${bold(changed.name)} ${suffixText(changed)}, for apps that are deployed from now on.`,
      );
    if (changed.name !== name && connection.environment === name)
      terminal.note(
        `Here "${name}" is still in use. Change that: gantry config set-environment ${changed.name}`,
      );
  },
};

const environmentDeleteCommand: CommandSpec = {
  path: ['environment', 'delete'],
  summary: 'delete an environment with all that is in it; this cannot be taken back',
  details: 'Its apps stop, and its secrets, volumes, dicts and queues are deleted. main cannot be deleted.',
  arguments: [ARGUMENT],
  options: [YES_OPTION, SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry environment delete dev', 'says what is in it, asks, and deletes it']],
  async run({ terminal, env }, input) {
    const { arguments: words, options } = input;
    const [name = ''] = words;
    const connection = findConnection(env, { profile: options.text('profile') });
    const client = new ApiClient(connection);
    // Nobody is asked about what is refused anyway.
    if (name !== DEFAULTS.environment) {
      const contents = contentsText(await client.environmentContents(name));
      const question = `Delete the environment "${name}" with ${contents}? This cannot be taken back.`;
      if (!(await isConfirmed(input, question))) {
        terminal.note('Nothing was deleted.');
        return EXIT_CODES.failed;
      }
    }
    const gone = await client.deleteEnvironment(name);
    if (options.flag('json')) return terminal.out(JSON.stringify(gone, undefined, 2));
    terminal.out(
      `Deleted the environment ${terminal.style.bold(gone.name)} with ${contentsText(gone.contents)}.`,
    );
    noteIfInUse(connection, gone.name, (text) => terminal.note(text));
  },
};

export const environmentCommands: readonly CommandSpec[] = [
  environmentListCommand,
  environmentCreateCommand,
  environmentUpdateCommand,
  environmentDeleteCommand,
];

function columns(
  style: Style,
  { current, nowMs }: { current: string; nowMs: number },
): Column<EnvironmentSummary>[] {
  return [
    { title: '', cell: ({ name }) => (name === current ? style.green('*') : '') },
    { title: 'environment', cell: ({ name }) => style.bold(name) },
    { title: 'web suffix', cell: ({ webSuffix }) => webSuffix || '-' },
    { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
  ];
}

function suffixText({ webSuffix }: EnvironmentSummary): string {
  return webSuffix === '' ? 'have no web suffix' : `have the web suffix "${webSuffix}"`;
}

/** "2 apps, 1 volume and 3 secrets". */
function contentsText({ apps, volumes, secrets, dicts, queues }: EnvironmentContents): string {
  const kinds: [number, string][] = [
    [apps, 'app'],
    [volumes, 'volume'],
    [secrets, 'secret'],
    [dicts, 'dict'],
    [queues, 'queue'],
  ];
  const parts = kinds.flatMap(([count, noun]) => (count > 0 ? [plural(count, noun)] : []));
  const last = parts.pop();
  if (last === undefined) return 'nothing in it';
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
}

function noteIfInUse({ environment }: Connection, gone: string, note: (text: string) => void): void {
  if (environment !== gone) return;
  note(`It was the one in use here. Choose another: gantry config set-environment main`);
}
