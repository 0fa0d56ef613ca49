import { Queue } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';
import { PARTITION_OPTION, partitionIn } from './collection-commands.ts';

export const queueLenCommand: CommandSpec = {
  path: ['queue', 'len'],
  summary: 'print how many items a queue has',
  arguments: [{ usage: '<name>', description: 'name of the queue' }],
  options: [
    PARTITION_OPTION,
    { flags: '-t, --total', description: 'all partitions together' },
    ENVIRONMENT_OPTION,
  ],
  examples: [['gantry queue len jobs --total', 'items in all partitions']],
  async run(context, input) {
    const [name = ''] = input.arguments;
    const { options } = input;
    const length = await withClient(context, input, (client) =>
      Queue.fromName(name, { client }).len({ ...partitionIn(options), total: options.flag('total') }),
    );
    context.terminal.out(String(length));
  },
};
