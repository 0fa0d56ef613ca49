import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import {
  ENVIRONMENT_OPTION,
  isConfirmed,
  VOLUME_ARGUMENT,
  withClient,
  YES_OPTION,
} from '../volumes/volume-client.ts';

export const volumeDeleteCommand: CommandSpec = {
  path: ['volume', 'delete'],
  summary: 'delete a volume and all its files',
  arguments: [VOLUME_ARGUMENT],
  options: [YES_OPTION, ENVIRONMENT_OPTION],
  examples: [['gantry volume delete models', 'asks before it deletes']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    if (
      !(await isConfirmed(input, `Delete volume "${name}" and all its files? They cannot be brought back.`))
    )
      return EXIT_CODES.failed;
    await withClient(context, input, (client) => Volume.delete(name, { client }));
    return context.terminal.out(`Deleted volume "${name}".`);
  },
};
