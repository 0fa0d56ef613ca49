import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { findUser } from '../deploy/deploy-origin.ts';
import { UsageError } from '../usage-error.ts';

export const appRollbackCommand: CommandSpec = {
  path: ['app', 'rollback'],
  summary: 'bring back what an older version of an app was, as a new version',
  details:
    'Functions, options and code become those of the older version, whatever the sources here are. Calls that run\n' +
    'are finished by the version that has them.',
  arguments: [
    { usage: '<app>', description: 'name or id of the app' },
    { usage: '[version]', description: 'such as v3 (default: the one before the live one)' },
  ],
  options: [SHARED_OPTIONS.environment, SHARED_OPTIONS.json],
  examples: [
    ['gantry app rollback shop', 'to the version before the live one'],
    ['gantry app rollback shop v3', 'to version 3'],
  ],
  async run({ terminal, env }, input) {
    const [app = '', versionText] = input.arguments;
    const version = versionText === undefined ? undefined : parseVersion(versionText);
    const client = new ApiClient(findConnection(env, { environment: input.options.text('env') }));
    const reply = await client.rollbackApp(app, { version, deployedBy: findUser() });
    if (input.options.flag('json')) return terminal.out(JSON.stringify(reply, undefined, 2));
    const name = terminal.style.bold(reply.appName ?? reply.appId);
    const what = version === undefined ? 'the version before' : `v${version}`;
    terminal.out(`Rolled ${name} back to ${what}; it is live as v${reply.version}.`);
  },
};

/** `v3`, or `3`. */
function parseVersion(text: string): number {
  const digits = /^v?([1-9]\d*)$/i.exec(text)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new UsageError(`"${text}" is no version`, {
    hint: 'Write it like v3; "gantry app history" lists them.',
  });
}
