import { inspect } from 'node:util';

import { Queue } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { parseInteger } from '../option-values.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';
import { PARTITION_OPTION, partitionIn } from './collection-commands.ts';

export const queuePeekCommand: CommandSpec = {
  path: ['queue', 'peek'],
  summary: 'print the next items of a queue, which stay in it',
  arguments: [
    { usage: '<name>', description: 'name of the queue' },
    { usage: '[count]', description: 'how many items (default: 1)' },
  ],
  options: [PARTITION_OPTION, ENVIRONMENT_OPTION],
  examples: [['gantry queue peek jobs 5', 'the next five']],
  async run(context, input) {
    const [name = '', count = '1'] = input.arguments;
    const most = parseInteger('[count]', count, { min: 1, max: Number.MAX_SAFE_INTEGER });
    const { terminal } = context;
    const shown = await withClient(context, input, async (client) => {
      let left = most;
      for await (const item of Queue.fromName(name, { client }).iterate(partitionIn(input.options))) {
        terminal.out(typeof item === 'string' ? item : inspect(item, { depth: 10, maxArrayLength: 1_000 }));
        if (--left === 0) break;
      }
      return most - left;
    });
    if (shown === 0) terminal.note(`Queue "${name}" has no items there.`);
  },
};
