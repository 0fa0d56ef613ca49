import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const proxyTokenRevokeCommand: CommandSpec = {
  path: ['proxy-token', 'revoke'],
  summary: 'close protected web functions to a token at once',
  arguments: [{ usage: '<id>', description: 'id of the token, as its list says' }],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry proxy-token revoke wk-1PzVx0cYkQ3', 'requests with it get 401 from now on']],
  async run({ terminal, env }, { arguments: [id = ''], options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const revoked = await new ApiClient(connection).revokeProxyToken(id);
    if (options.flag('json')) return terminal.out(JSON.stringify(revoked, undefined, 2));
    terminal.out(`Revoked the proxy token ${terminal.style.bold(revoked.name)} (${revoked.id}).`);
  },
};
