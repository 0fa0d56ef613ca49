import { ConfigFile } from 'gantry/internal';

import type { CommandSpec } from '../command.ts';

export const profileActivateCommand: CommandSpec = {
  path: ['profile', 'activate'],
  summary: 'make a profile the one that counts',
  arguments: [{ usage: '<profile>', description: 'name of the profile' }],
  examples: [
    ['gantry profile activate production', 'work with that platform from now on'],
    ['gantry profile activate local', 'work with the platform of this machine again'],
  ],
  async run({ terminal, env }, input) {
    const file = ConfigFile.read(env);
    const name = file.select({}, input.arguments[0]);
    file.activate(name);
    terminal.out(`The profile "${name}" is now active.`);
    const { GANTRY_PROFILE: other } = env;
    if (other && other !== name) terminal.note(`GANTRY_PROFILE is set to "${other}" here, and wins.`);
  },
};
