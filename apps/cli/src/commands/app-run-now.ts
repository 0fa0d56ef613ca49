import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const appRunNowCommand: CommandSpec = {
  path: ['app', 'run-now'],
  summary: 'call a function of a running app once, now, as its schedule would',
  details: 'The function gets no arguments. The run appears in "gantry app schedules" too.',
  arguments: [
    { usage: '<app>', description: 'name or id of the app' },
    { usage: '<function>', description: 'name of the function' },
  ],
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [['gantry app run-now shop report', 'print the id of the call']],
  async run({ terminal, env }, { options, arguments: [app = '', name = ''] }) {
    const client = new ApiClient(findConnection(env, { environment: options.text('env') }));
    const reply = await client.runNow(app, name);
    terminal.out(options.flag('json') ? JSON.stringify(reply) : reply.callId);
  },
};
