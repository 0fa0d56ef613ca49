import type { ProxyTokenSummary } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import type { Style } from '../terminal/style.ts';
import { toTable, type Column } from '../terminal/table.ts';
import { toAge } from '../terminal/units.ts';

export const proxyTokenListCommand: CommandSpec = {
  path: ['proxy-token', 'list'],
  summary: 'list the tokens that open protected web functions',
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [
    ['gantry proxy-token list', 'ids, names and ages, oldest first'],
    ['gantry proxy-token list --json', 'the same for programs'],
  ],
  async run({ terminal, env }, { options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const tokens = await new ApiClient(connection).listProxyTokens();
    if (options.flag('json')) return terminal.out(JSON.stringify(tokens, undefined, 2));
    if (tokens.length === 0) {
      return terminal.note(
        'No proxy tokens: protected functions let nobody in. Make one: gantry proxy-token new <name>',
      );
    }
    for (const line of toTable(columns(terminal.style, Date.now()), tokens, terminal.style))
      terminal.out(line);
  },
};

function columns(style: Style, nowMs: number): Column<ProxyTokenSummary>[] {
  return [
    { title: 'id', cell: ({ id }) => id },
    { title: 'name', cell: ({ name }) => style.bold(name) },
    { title: 'created', cell: ({ createdAtMs }) => toAge(createdAtMs, nowMs) },
  ];
}
