import { ConnectionError } from '@gantry/protocol';
import { type Connection, findConnection, LOCAL_PROFILE } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import type { CommandContext, CommandInput, CommandSpec } from '../command.ts';
import { tokenSetCommand } from './token-set.ts';

export const setupCommand: CommandSpec = {
  path: ['setup'],
  summary: 'begin here: find the platform of this machine, or log in to another one',
  details:
    'Where "gantry up" runs there is nothing to set up. Else this asks for the address and a token of a platform, and\n' +
    'stores them as a profile, as "gantry token set" does.',
  options: tokenSetCommand.options ?? [],
  examples: [
    ['gantry setup', 'looks around, and asks for what it needs'],
    ['gantry setup --server-url https://gantry.example.org', 'logs in there'],
  ],
  run: runSetup,
};

async function runSetup(context: CommandContext, input: CommandInput): Promise<number | void> {
  const { terminal } = context;
  if (input.options.text('serverUrl') === undefined && input.options.text('token') === undefined) {
    const local = await findLocal(context.env);
    if (local) {
      terminal.out(`Your platform runs at ${local.serverUrl}. Nothing is to be set up.`);
      terminal.note('Try it: gantry run <file>, or log in to another platform: gantry token set');
      return;
    }
    terminal.note(
      'No platform runs on this machine: start one with "gantry up", or log in to another one here.',
    );
  }
  return await tokenSetCommand.run(context, input);
}

/** The platform that `gantry up` runs on this machine, if it answers. */
async function findLocal(env: CommandContext['env']): Promise<Connection | undefined> {
  try {
    const { GANTRY_SERVER_URL: _url, GANTRY_TOKEN: _token, ...rest } = env;
    const connection = findConnection(rest, { profile: LOCAL_PROFILE });
    await new ApiClient(connection).hello();
    return connection;
  } catch (error) {
    if (error instanceof ConnectionError) return undefined;
    throw error;
  }
}
