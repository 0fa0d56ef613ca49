import { ConfigFile } from 'gantry/internal';

import type { CommandSpec } from '../command.ts';

export const profileCurrentCommand: CommandSpec = {
  path: ['profile', 'current'],
  summary: 'print the name of the profile that counts here',
  examples: [['gantry profile current', 'GANTRY_PROFILE, else the active one']],
  async run({ terminal, env }) {
    terminal.out(ConfigFile.read(env).select(env));
  },
};
