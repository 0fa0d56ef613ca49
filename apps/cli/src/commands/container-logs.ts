import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { printLogs } from './app-logs.ts';

export const containerLogsCommand: CommandSpec = {
  path: ['container', 'logs'],
  summary: 'print what a container wrote, and what it writes until it ends',
  arguments: [{ usage: '<container>', description: 'id of the container (ta-…); it may have ended' }],
  options: [
    { flags: '--no-follow', description: 'only what there is' },
    { flags: '--since <age>', description: 'only what is younger, such as 30s, 10m, 2h or 1d' },
    { flags: '--timestamps', description: 'put the time before each line' },
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry container logs ta-1', 'everything, then what comes'],
    ['gantry container logs --no-follow --since 10m ta-1', 'the last ten minutes'],
  ],
  async run({ terminal, env }, { arguments: [containerId = ''], options }) {
    const client = new ApiClient(findConnection(env));
    const follow = options.given('follow') ?? true;
    await printLogs(terminal, options, (query) =>
      client.readContainerLogs(containerId, { ...query, follow }),
    );
  },
};
