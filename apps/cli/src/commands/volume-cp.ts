import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { plural } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumeCpCommand: CommandSpec = {
  path: ['volume', 'cp'],
  summary: 'copy files inside of a volume',
  arguments: [
    VOLUME_ARGUMENT,
    { usage: '<paths...>', description: 'files, and last where to; ends in / for a directory' },
  ],
  options: [
    { flags: '-r, --recursive', description: 'directories, too, with all in them' },
    ENVIRONMENT_OPTION,
  ],
  examples: [
    ['gantry volume cp models /v2/weights.bin /best.bin', 'one file to a path'],
    ['gantry volume cp models /a.txt /b.txt /texts/', 'several files into a directory'],
    ['gantry volume cp -r models /v2 /v3', 'a directory'],
  ],
  async run(context, input) {
    const [name = '', ...paths] = input.arguments;
    const target = paths.pop();
    if (target === undefined || paths.length === 0)
      throw new UsageError('a file to copy and a place for it are needed', {
        hint: 'See: gantry volume cp --help',
      });
    const recursive = input.options.flag('recursive');
    await withClient(context, input, (client) =>
      Volume.fromName(name, { client }).copyFiles(paths, target, { recursive }),
    );
    const what = recursive ? plural(paths.length, 'path') : plural(paths.length, 'file');
    context.terminal.out(`Copied ${what} to "${target}" in volume "${name}".`);
  },
};
