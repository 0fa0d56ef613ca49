import type { TokenSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

export const tokenListCommand: CommandSpec = {
  path: ['token', 'list'],
  summary: 'list the tokens of the platform by name',
  details: 'The token that the platform was started with is good, too, and is in no list.',
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [
    ['gantry token list', 'names and ages'],
    ['gantry token list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const tokens = await new ApiClient(connection).listTokens();
    if (options.flag('json')) return terminal.out(JSON.stringify(tokens, undefined, 2));
    if (tokens.length === 0) {
      return terminal.note(
        'No tokens beside the one that the platform was started with. Make one: gantry token new <name>',
      );
    }
    for (const line of toTable(columns(terminal.style, Date.now()), tokens, terminal.style))
      terminal.out(line);
  },
};

function columns(style: Style, nowMs: number): Column<TokenSummary>[] {
  return [
    { title: 'token', cell: ({ name }) => style.bold(name) },
    { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
  ];
}
