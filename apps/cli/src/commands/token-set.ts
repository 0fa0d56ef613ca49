import {
  CONFIG_KEYS,
  ConfigFile,
  type Connection,
  findConnection,
  LOCAL_PROFILE,
  readValue,
} from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import type { CommandContext, CommandInput, CommandSpec } from '../command.ts';
import { createPrompt, type Prompt } from '../terminal/prompt.ts';
import { UsageError } from '../usage-error.ts';

export const tokenSetCommand: CommandSpec = {
  path: ['token', 'set'],
  summary: 'store how to reach a platform, as a profile in config.toml',
  details: 'Asks for what is not given. "-" for the token reads it from standard input without showing it.',
  options: [
    { flags: '--server-url <url>', description: "address of the platform's API" },
    { flags: '--token <token>', description: 'token of the platform, or - to type it' },
    {
      flags: '--profile <name>',
      description: 'profile to write',
      fallback: 'GANTRY_PROFILE, else the workspace',
    },
    { flags: '--no-activate', description: 'leave the active profile as it is' },
    { flags: '--no-verify', description: 'do not ask the platform whether it takes the token' },
  ],
  examples: [
    ['gantry token set', 'asks for everything'],
    ['gantry token set --server-url https://gantry.example.org --token - < token.txt', 'in a script'],
  ],
  run: runTokenSet,
};

async function runTokenSet({ terminal, env }: CommandContext, { options }: CommandInput): Promise<void> {
  const file = ConfigFile.read(env);
  using prompt = createPrompt({ input: process.stdin, output: process.stderr });
  const connection = await readNewConnection(prompt, options);
  const workspace = options.flag('verify') ? (await new ApiClient(connection).hello()).workspace : undefined;
  const profile = options.text('profile') ?? env['GANTRY_PROFILE'] ?? defaultName(connection, workspace);
  if (profile === LOCAL_PROFILE) {
    throw new UsageError(
      `the profile "${LOCAL_PROFILE}" is the platform that "gantry up" runs on this machine`,
      {
        hint: 'Name another one with --profile.',
      },
    );
  }
  const { serverUrl, token } = CONFIG_KEYS;
  const keys = { [serverUrl.file]: connection.serverUrl, [token.file]: connection.token, workspace };
  file.change(profile, keys, { activate: options.flag('activate') });
  const verified = workspace === undefined ? '' : ` It leads to the workspace "${workspace}".`;
  terminal.out(`Stored the profile "${profile}" in ${file.path}.${verified}`);
  if (!options.flag('activate')) terminal.note(`Use it with: gantry profile activate ${profile}`);
}

/** @throws {@link UsageError} for what is missing where nobody can be asked. */
async function readNewConnection(prompt: Prompt, options: CommandInput['options']): Promise<Connection> {
  const serverUrl = options.text('serverUrl') ?? (await prompt.ask('Server URL: ', '--server-url'));
  const given = options.text('token');
  const token = given === undefined || given === '-' ? await prompt.askSecretly('Token: ', given) : given;
  readValue('serverUrl', serverUrl, '--server-url');
  readValue('token', token, '--token');
  return findConnection(
    { GANTRY_SERVER_URL: serverUrl, GANTRY_TOKEN: token },
    { environment: CONFIG_KEYS.environment.fallback },
  );
}

/** A workspace may have the name of the profile that every machine has. */
function defaultName({ serverUrl }: Connection, workspace: string | undefined): string {
  return workspace === undefined || workspace === LOCAL_PROFILE ? new URL(serverUrl).hostname : workspace;
}
