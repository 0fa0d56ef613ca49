import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import type { CommandSpec } from '../command.ts';

export const containerStopCommand: CommandSpec = {
  path: ['container', 'stop'],
  summary: 'preempt a container: it is interrupted, runs its exit hooks and ends within 30 s',
  details:
    'What it does not finish in that time runs again in another container, with its retries untouched. With --kill it ends at once.',
  arguments: [{ usage: '<container>', description: 'id of the container (ta-…)' }],
  options: [{ flags: '--kill', description: 'end it at once, without exit hooks' }],
  examples: [
    ['gantry container stop ta-1', 'interrupt it, and have its inputs run elsewhere'],
    ['gantry container stop --kill ta-1', 'end it now'],
  ],
  async run({ terminal, env }, input) {
    const containerId = input.arguments[0] ?? '';
    const kill = input.options.flag('kill');
    await new ApiClient(findConnection(env)).stopContainer(containerId, kill);
    terminal.out(`${kill ? 'Killed' : 'Stopping'} container ${terminal.style.bold(containerId)}.`);
  },
};
