import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const proxyTokenNewCommand: CommandSpec = {
  path: ['proxy-token', 'new'],
  summary: 'make a token for web functions that are protected',
  details:
    'It opens every function with requiresProxyAuth, until it is revoked. Its secret is printed this once: the platform\n' +
    'keeps only its digest.',
  arguments: [{ usage: '<name>', description: 'what it is for' }],
  options: [SHARED_OPTIONS.profile, SHARED_OPTIONS.json],
  examples: [['gantry proxy-token new webshop', 'prints the two headers that requests must carry']],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const connection = findConnection(env, { profile: options.text('profile') });
    const made = await new ApiClient(connection).newProxyToken(name);
    if (options.flag('json')) return terminal.out(JSON.stringify(made, undefined, 2));
    terminal.out(`Gantry-Key: ${made.id}`);
    terminal.out(`Gantry-Secret: ${made.secret}`);
    terminal.note('Keep the secret: it is not shown again.');
  },
};
