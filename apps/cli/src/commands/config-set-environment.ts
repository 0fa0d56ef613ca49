import { assertName } from '@gantry/protocol';
import { CONFIG_KEYS, ConfigFile } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const configSetEnvironmentCommand: CommandSpec = {
  path: ['config', 'set-environment'],
  summary: 'choose the environment of a profile, for where nothing else says which',
  arguments: [{ usage: '<name>', description: 'name of the environment' }],
  options: [SHARED_OPTIONS.profile],
  examples: [['gantry config set-environment staging', 'for the active profile']],
  async run({ terminal, env }, input) {
    const name = input.arguments[0] ?? '';
    assertName('environment', name);
    const file = ConfigFile.read(env);
    const profile = file.select(env, input.options.text('profile'));
    const { environment } = CONFIG_KEYS;
    file.change(profile, { [environment.file]: name });
    terminal.out(`The environment of the profile "${profile}" is now "${name}".`);
    const other = env[environment.variable];
    if (other) terminal.note(`${environment.variable} is set to "${other}" here, and wins.`);
  },
};
