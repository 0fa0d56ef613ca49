import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const appStopCommand: CommandSpec = {
  path: ['app', 'stop'],
  summary: 'stop an app: its containers end, its URLs answer no more',
  details: 'Exit hooks run. Inputs that wait are not run. Deploying the app again brings it back.',
  arguments: [{ usage: '<app>', description: 'name or id of the app' }],
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [['gantry app stop hello-world', 'stop the app "hello-world"']],
  async run({ terminal, env }, input) {
    const client = new ApiClient(findConnection(env, { environment: input.options.text('env') }));
    const app = await client.stopApp(input.arguments[0] ?? '');
    if (input.options.flag('json')) return terminal.out(JSON.stringify(app));
    terminal.out(`Stopped app ${terminal.style.bold(app.name ?? app.id)}.`);
  },
};
