import { assertName } from '@gantry/protocol';
import { CONFIG_KEYS, ConfigFile, findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const configSetEnvironmentCommand: CommandSpec = {
  path: ['config', 'set-environment'],
  summary: 'choose the environment of a profile, for where nothing else says which',
  details: 'The platform is asked whether there is such an environment.',
  arguments: [{ usage: '<name>', description: 'name of the environment' }],
  options: [
    SHARED_OPTIONS.profile,
    { flags: '--no-verify', description: 'do not ask the platform, which may be down' },
  ],
  examples: [['gantry config set-environment staging', 'for the active profile']],
  async run({ terminal, env }, input) {
    const name = input.arguments[0] ?? '';
    assertName('environment', name);
    const file = ConfigFile.read(env);
    const profile = file.select(env, input.options.text('profile'));
    const { environment } = CONFIG_KEYS;
    if (input.options.given('verify') !== false) {
      await new ApiClient(findConnection(env, { profile, environment: name })).findEnvironment(name);
    }
    file.change(profile, { [environment.file]: name });
    terminal.out(`The environment of the profile "${profile}" is now "${name}".`);
    const other = env[environment.variable];
    if (other) terminal.note(`${environment.variable} is set to "${other}" here, and wins.`);
  },
};
