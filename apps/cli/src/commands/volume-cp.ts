import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { plural } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumeCpCommand: CommandSpec = {
  path: ['volume', 'cp'],
  summary: 'copy files inside of a volume',
  arguments: [VOLUME_ARGUMENT, { usage: '<paths...>', description: 'files, and last where to' }],
  options: [ENVIRONMENT_OPTION],
  examples: [
    ['gantry volume cp models /v2/weights.bin /best.bin', 'one file to a path'],
    ['gantry volume cp models /a.txt /b.txt /texts', 'several files into a directory'],
  ],
  async run(context, input) {
    const [name = '', ...paths] = input.arguments;
    const target = paths.pop();
    if (target === undefined || paths.length === 0)
      throw new UsageError('a file to copy and a place for it are needed', {
        hint: 'See: gantry volume cp --help',
      });
    await withClient(context, input, (client) => Volume.fromName(name, { client }).copyFiles(paths, target));
    context.terminal.out(`Copied ${plural(paths.length, 'file')} to "${target}" in volume "${name}".`);
  },
};
