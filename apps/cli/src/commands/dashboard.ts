import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const dashboardCommand: CommandSpec = {
  path: ['dashboard'],
  summary: 'look at apps in a browser: print a link that signs it in',
  details:
    'The link works once, within two minutes, for whoever has it. The browser stays signed in for 12 hours, as long as\n' +
    'the token of this command is good; it can look at apps, stop them and roll them back, and no more.',
  arguments: [{ usage: '[app]', description: 'name or id of an app, to begin at its page' }],
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.profile],
  examples: [
    ['gantry dashboard', 'begin at the list of apps'],
    ['gantry dashboard shop', 'begin at the app "shop"'],
  ],
  async run({ terminal, env }, { arguments: [app], options }) {
    const profile = options.text('profile');
    const connection = findConnection(env, { profile, environment: options.text('env') });
    const client = new ApiClient(connection);
    const to = app === undefined ? await listPath(client, connection) : (await client.findApp(app)).pagePath;
    const { code } = await client.newBrowserCode();
    const link = new URL('/sign-in', connection.serverUrl);
    // Behind the #: no server is sent it, and no log has it.
    link.hash = String(new URLSearchParams({ code, to }));
    terminal.out(link.href);
    terminal.note('Open it within two minutes: it signs one browser in, once.');
  },
};

async function listPath(client: ApiClient, { environment }: { environment: string }): Promise<string> {
  const [{ workspace }] = await Promise.all([client.hello(), client.findEnvironment()]);
  return `/apps/${encodeURIComponent(workspace)}/${encodeURIComponent(environment)}`;
}
