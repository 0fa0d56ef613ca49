import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumeRmCommand: CommandSpec = {
  path: ['volume', 'rm'],
  summary: 'remove a file or a directory of a volume',
  arguments: [VOLUME_ARGUMENT, { usage: '<path>', description: 'file or directory' }],
  options: [{ flags: '-r, --recursive', description: 'a directory, with all in it' }, ENVIRONMENT_OPTION],
  examples: [['gantry volume rm -r models /v1', 'remove a directory']],
  async run(context, input) {
    const [name = '', path = ''] = input.arguments;
    const recursive = input.options.flag('recursive');
    await withClient(context, input, (client) =>
      Volume.fromName(name, { client }).removeFile(path, { recursive }),
    );
    context.terminal.out(`Removed "${path}" from volume "${name}".`);
  },
};
