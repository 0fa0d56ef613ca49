import { Client } from 'gantry';
import { findConnection } from 'gantry/internal';

import { type CommandContext, type CommandInput, SHARED_OPTIONS } from '../command.ts';
import { createPrompt } from '../terminal/prompt.ts';

export const YES_OPTION = { flags: '-y, --yes', description: 'do not ask' };
export const VOLUME_ARGUMENT = { usage: '<volume>', description: 'name or id of the volume' };
export const ENVIRONMENT_OPTION = SHARED_OPTIONS.environment;

/** Runs a command with the client of its environment. */
export async function withClient<T>(
  { env }: CommandContext,
  { options }: CommandInput,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const { serverUrl, token, environment } = findConnection(env, { environment: options.text('env') });
  await using client = new Client({ serverUrl, token, environment });
  return await use(client);
}

/** True if the user agrees, or said so before with `--yes`. */
export async function isConfirmed({ options }: CommandInput, question: string): Promise<boolean> {
  if (options.flag('yes')) return true;
  using prompt = createPrompt({ input: process.stdin, output: process.stderr });
  return /^y(es)?$/i.test(await prompt.ask(`${question} [y/N] `, '--yes'));
}
