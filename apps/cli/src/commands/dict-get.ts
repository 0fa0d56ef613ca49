import { inspect } from 'node:util';

import { Dict, NotFoundError } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { ENVIRONMENT_OPTION, withClient } from '../volumes/volume-client.ts';

const MISSING = Symbol('missing');

export const dictGetCommand: CommandSpec = {
  path: ['dict', 'get'],
  summary: 'print the value of a key',
  details:
    'The key is text as it is given: "7" is not the number 7. Text is printed as it is, other values as code shows them.',
  arguments: [
    { usage: '<name>', description: 'name of the dict' },
    { usage: '<key>', description: 'key, as text' },
  ],
  options: [ENVIRONMENT_OPTION],
  examples: [['gantry dict get shared answer', 'print what "answer" leads to']],
  async run(context, input) {
    const [name = '', key = ''] = input.arguments;
    const value = await withClient(context, input, (client) =>
      Dict.fromName<string, unknown>(name, { client }).get(key, MISSING),
    );
    if (value === MISSING) {
      throw new NotFoundError(`dict "${name}" has no entry of the key "${key}"`, {
        hint: `See its entries: gantry dict items ${name}`,
      });
    }
    context.terminal.out(
      typeof value === 'string' ? value : inspect(value, { depth: 10, maxArrayLength: 1_000 }),
    );
  },
};
