import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const tokenRevokeCommand: CommandSpec = {
  path: ['token', 'revoke'],
  summary: 'make a token worthless at once',
  details: 'Programs that use it lose their connection. Calls they made go on.',
  arguments: [{ usage: '<name>', description: 'name of the token' }],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry token revoke ci', 'the token "ci" is good no longer']],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const revoked = await new ApiClient(connection).revokeToken(name);
    if (options.flag('json')) return terminal.out(JSON.stringify(revoked, undefined, 2));
    terminal.out(`Revoked the token ${terminal.style.bold(name)}.`);
  },
};
