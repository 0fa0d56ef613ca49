import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const tokenNewCommand: CommandSpec = {
  path: ['token', 'new'],
  summary: 'make another token of the platform, for a person or a program',
  details:
    'The token is printed this once: the platform keeps only its digest. It may do all that yours may, and is good until\n' +
    'it is revoked. The token that the platform was started with stays as it is.',
  arguments: [{ usage: '<name>', description: 'whose it is: to list and revoke it' }],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [
    ['gantry token new ci', 'prints a token for a pipeline: set it as GANTRY_TOKEN'],
    ['gantry token new ada > ada.token', 'into a file'],
  ],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const made = await new ApiClient(connection).newToken(name);
    if (options.flag('json')) return terminal.out(JSON.stringify(made, undefined, 2));
    terminal.out(made.token);
    terminal.note(`Keep it: it is not shown again. Elsewhere, log in with it:`);
    terminal.note(`  gantry token set --server-url ${connection.serverUrl} --token -`);
  },
};
