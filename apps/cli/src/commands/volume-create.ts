import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';

export const volumeCreateCommand: CommandSpec = {
  path: ['volume', 'create'],
  summary: 'make a volume: files that outlive containers',
  arguments: [{ usage: '<name>', description: 'name of the volume' }],
  options: [ENVIRONMENT_OPTION],
  examples: [['gantry volume create models', 'make the volume "models"']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    await withClient(context, input, (client) => Volume.create(name, { client }));
    const { terminal } = context;
    terminal.out(`Made volume ${terminal.style.bold(name)}. Use it in a program:`);
    terminal.note('');
    terminal.note(`  const volume = Volume.fromName('${name}');`);
    terminal.note(`  for (const { path } of await volume.listdir('/')) console.log(path);`);
    terminal.note('');
    terminal.note(`or put files into it: gantry volume put ${name} <file or directory>`);
  },
};
