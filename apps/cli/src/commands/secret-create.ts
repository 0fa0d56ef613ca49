import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';

import { assertSecretValues, InvalidError, NotFoundError, type SecretValues } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandInput, type CommandSpec } from '../command.ts';
import { plural } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';

export const secretCreateCommand: CommandSpec = {
  path: ['secret', 'create'],
  summary: 'make a secret: environment variables whose values nobody sees',
  details:
    'Files and pairs add up; of those with one name the pair counts. Whoever lists processes of this machine can see a\n' +
    'pair while the command runs: a file, or - for standard input, keeps it to itself.\n' +
    'With --force the values replace those of the secret of this name. Containers that run keep what they have.',
  arguments: [
    { usage: '<name>', description: 'name of the secret' },
    { usage: '[pairs...]', description: 'KEY=VALUE' },
  ],
  options: [
    { flags: '--from-dotenv <file>', description: 'take what a dotenv file says' },
    { flags: '--from-json <file>', description: 'take a JSON object of texts' },
    { flags: '--force', description: 'replace the secret of this name, if there is one' },
    SHARED_OPTIONS.environment,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry secret create db DB_USER=shop DB_PASSWORD=…', 'two variables'],
    ['gantry secret create db --from-dotenv .env --force', 'new values, from a file'],
    ['vault read db | gantry secret create db --from-json -', 'from another program'],
  ],
  async run({ terminal, env, cwd }, input) {
    const [name = ''] = input.arguments;
    const { options } = input;
    const values = readValues(input, cwd);
    const connection = findConnection(env, { environment: options.text('env') });
    const secret = await new ApiClient(connection).saveSecret(name, {
      values,
      replace: options.flag('force'),
    });
    if (options.flag('json')) return terminal.out(JSON.stringify(secret, undefined, 2));
    const { bold } = terminal.style;
    terminal.out(
      `Secret ${bold(secret.name)} of environment "${secret.environment}" has ${plural(secret.keys.length, 'key')}.`,
    );
    terminal.note(`Use it: secrets: [Secret.fromName('${secret.name}')]`);
  },
};

/** @throws {@link UsageError} if the command line gives no values. */
function readValues({ arguments: [name = '', ...pairs], options }: CommandInput, cwd: string): SecretValues {
  const dotenv = options.text('fromDotenv');
  const json = options.text('fromJson');
  if (dotenv === undefined && json === undefined && pairs.length === 0) {
    throw new UsageError(`the secret "${name}" has no values`, {
      hint: `Write: gantry secret create ${name} KEY=VALUE, or name a file with --from-dotenv.`,
    });
  }
  const values = {
    ...(dotenv === undefined ? {} : parseEnv(readText(dotenv, cwd))),
    ...(json === undefined ? {} : parseJson(readText(json, cwd), json)),
    ...Object.fromEntries(pairs.map(parsePair)),
  };
  assertSecretValues(`secret "${name}"`, values);
  return values;
}

function parsePair(pair: string, at: number): [string, string] {
  const equals = pair.indexOf('=');
  if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
  // It may be a value that lost its name, so it is not quoted.
  throw new UsageError(`the pair ${at + 1} is not of the form KEY=VALUE`, {
    hint: 'Quote values that hold spaces: KEY="two words".',
  });
}

function parseJson(text: string, file: string): object {
  const parsed = tryParse(text);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new InvalidError(`"${file}" holds no JSON object`, { hint: 'Write { "KEY": "value" }.' });
}

// Without the cause, which quotes the text.
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readText(file: string, cwd: string): string {
  try {
    return readFileSync(file === '-' ? 0 : path.resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new NotFoundError(`"${file}" cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: 'Check the path, or write - for standard input.',
    });
  }
}
