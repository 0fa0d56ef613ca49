import { ApiClient } from '../api-client.ts';
import type { CommandSpec } from '../command.ts';
import { readConnection } from '../connection.ts';

export const containerStopCommand: CommandSpec = {
  path: ['container', 'stop'],
  summary: 'stop a container: it finishes what runs, runs its exit hooks and ends',
  details: 'With --kill it ends at once. What it was running runs again in another container.',
  arguments: [{ usage: '<container>', description: 'id of the container (ta-…)' }],
  options: [{ flags: '--kill', description: 'end it at once, without exit hooks' }],
  examples: [
    ['gantry container stop ta-1', 'drain and stop'],
    ['gantry container stop --kill ta-1', 'end it now'],
  ],
  async run({ terminal, env }, input) {
    const containerId = input.arguments[0] ?? '';
    const kill = input.options.flag('kill');
    await new ApiClient(readConnection(env)).stopContainer(containerId, kill);
    terminal.out(`${kill ? 'Killed' : 'Stopping'} container ${terminal.style.bold(containerId)}.`);
  },
};
