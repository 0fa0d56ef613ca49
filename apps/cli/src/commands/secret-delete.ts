import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { createPrompt } from '../terminal/prompt.ts';

export const secretDeleteCommand: CommandSpec = {
  path: ['secret', 'delete'],
  summary: 'delete a secret; containers that run keep its values',
  details:
    'Apps that name it cannot be deployed, and their containers cannot start, until there is one again.',
  arguments: [{ usage: '<name>', description: 'name of the secret' }],
  options: [
    { flags: '-y, --yes', description: 'do not ask' },
    SHARED_OPTIONS.environment,
    SHARED_OPTIONS.json,
  ],
  examples: [['gantry secret delete db', 'asks, and deletes the secret "db"']],
  async run({ terminal, env }, { arguments: [name = ''], options }) {
    const connection = findConnection(env, { environment: options.text('env') });
    if (!options.flag('yes')) {
      using prompt = createPrompt({ input: process.stdin, output: process.stderr });
      const question = `Delete the secret "${name}" of environment "${connection.environment}"? [y/N] `;
      const answer = await prompt.ask(question, '--yes');
      if (!/^y(es)?$/i.test(answer)) {
        terminal.note('Nothing was deleted.');
        return EXIT_CODES.failed;
      }
    }
    const secret = await new ApiClient(connection).deleteSecret(name);
    if (options.flag('json')) return terminal.out(JSON.stringify(secret, undefined, 2));
    terminal.out(`Deleted the secret ${terminal.style.bold(name)}.`);
  },
};
