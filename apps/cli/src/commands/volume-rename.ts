import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { ENVIRONMENT_OPTION, isConfirmed, withClient, YES_OPTION } from '../volumes/volume-client.ts';

export const volumeRenameCommand: CommandSpec = {
  path: ['volume', 'rename'],
  summary: 'give a volume another name',
  arguments: [
    { usage: '<old>', description: 'name of the volume' },
    { usage: '<new>', description: 'its new name' },
  ],
  options: [YES_OPTION, ENVIRONMENT_OPTION],
  examples: [['gantry volume rename models weights', '"models" becomes "weights"']],
  async run(context, input) {
    const [oldName = '', newName = ''] = input.arguments;
    const question = `Rename volume "${oldName}" to "${newName}"? Programs that use the old name lose it.`;
    if (!(await isConfirmed(input, question))) return EXIT_CODES.failed;
    await withClient(context, input, (client) => Volume.rename(oldName, newName, { client }));
    return context.terminal.out(`Renamed volume "${oldName}" to "${newName}".`);
  },
};
