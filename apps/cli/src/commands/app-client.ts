import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';

export const appClientCommand: CommandSpec = {
  path: ['app', 'client'],
  summary: 'write typed handles for an app whose sources you do not have',
  details:
    'The file has a handle for each function and class, with the types of arguments and results as of the live version. ' +
    'What the sources leave open is "unknown": a result is known where its type is written, or follows from what is.\n' +
    'With --env the handles name that environment.',
  arguments: [{ usage: '<app>', description: 'name or id of the app' }],
  options: [
    { flags: '-o, --output <file>', description: 'where to write it', fallback: 'standard output' },
    SHARED_OPTIONS.environment,
  ],
  examples: [
    ['gantry app client shop -o src/shop.ts', "then: import { Prices } from './shop.ts'"],
    ['npx nx g @gantry/nx:client shop', 'the same as a library of an Nx workspace'],
  ],
  async run({ terminal, env, cwd }, input) {
    const environment = input.options.text('env');
    const client = new ApiClient(findConnection(env, { environment }));
    const app = await client.appInterface(input.arguments[0] ?? '');
    // With it comes a compiler, which no other command shall wait for.
    const { clientSource } = await import('@gantry/manifest');
    const text = clientSource(app, { environment });
    const output = input.options.text('output');
    if (output === undefined) return terminal.out(text.trimEnd());
    const file = resolve(cwd, output);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    const count = app.functions.length;
    terminal.note(
      `${output} has ${count} ${count === 1 ? 'handle' : 'handles'} of "${app.app}" version ${app.version}.`,
    );
  },
};
