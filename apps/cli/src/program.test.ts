import { describe, expect, test } from 'vitest';

import type { CommandContext, CommandInput, CommandSpec } from './command.ts';
import { ALL_COMMANDS, COMMAND_GROUPS } from './commands/all-commands.ts';
import { runProgram } from './program.ts';
import { createTerminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

function setUp(commands?: readonly CommandSpec[]) {
  const output = { text: '' };
  const stream = { write: (part: string) => (output.text += part) };
  const context: CommandContext = {
    terminal: createTerminal({ stdout: stream, stderr: stream, env: {} }),
    env: {},
    cwd: '/work',
    programs: new URL('file:///dist/'),
    version: '1.2.3',
  };
  const calls: CommandInput[] = [];
  const echo: CommandSpec = {
    path: ['thing', 'show'],
    summary: 'show a thing',
    arguments: [{ usage: '<name>', description: 'its name' }],
    options: [
      { flags: '--json', description: 'for programs' },
      { flags: '--no-sync', description: 'unsafe' },
      { flags: '--data-dir <path>', description: 'state' },
    ],
    examples: [['gantry thing show x', 'shows x']],
    run: async (_context, input) => {
      calls.push(input);
      return input.arguments[0] === 'bad' ? 7 : undefined;
    },
  };
  const options = { commands: commands ?? [echo], groups: { thing: 'things', ...COMMAND_GROUPS }, context };
  return { output, calls, run: (...argv: string[]) => runProgram(options, argv) };
}

describe('runProgram', () => {
  test('hands arguments and options to the command', async () => {
    const { calls, run } = setUp();

    expect(await run('thing', 'show', 'x', '--json', '--data-dir', '/tmp/d')).toBe(0);

    expect(calls[0]?.arguments).toEqual(['x']);
    expect(calls[0]?.options.flag('json')).toBe(true);
    expect(calls[0]?.options.flag('sync')).toBe(true);
    expect(calls[0]?.options.text('dataDir')).toBe('/tmp/d');
  });

  test('returns the exit code of the command', async () => {
    expect(await setUp().run('thing', 'show', 'bad')).toBe(7);
  });

  test.each([
    [['thing', 'show'], 'name'],
    [['thing', 'show', 'a', 'b'], 'too many arguments'],
    [['thing', 'show', 'a', '--data-dir'], '--data-dir'],
    [['thing', 'show', 'a', '--loud'], '--loud'],
    [['thing', 'shw'], 'unknown command "thing shw"'],
    [['thing'], '"gantry thing" needs a command'],
    [['thnig'], 'unknown command "thnig"'],
  ])('refuses %j as wrong usage', async (argv, message) => {
    const failure = await setUp()
      .run(...argv)
      .catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(UsageError);
    expect((failure as UsageError).message).toContain(message);
    expect((failure as UsageError).hint).toBeTruthy();
  });

  test('passes flags on only behind what they are for', async () => {
    const { run } = setUp(ALL_COMMANDS);

    await expect(run('run', '--detahc', 'app.ts')).rejects.toMatchObject({
      message: 'unknown option "--detahc"',
      hint: 'Did you mean "--detach"?',
    });
    await expect(run('container', 'exec', '-x', 'ta-1', 'ls')).rejects.toThrow('unknown option "-x"');
  });

  test('suggests the nearest command and the nearest flag', async () => {
    const { run } = setUp(ALL_COMMANDS);

    await expect(run('depoly')).rejects.toMatchObject({ hint: 'Did you mean deploy?' });
    await expect(run('volume', 'put', 'models')).rejects.toMatchObject({
      ...{ message: 'missing required argument "local"', hint: 'See "gantry volume put --help".' },
    });
    await expect(run('--loud')).rejects.toMatchObject({ hint: 'See "gantry --help".' });
    await expect(run('app', 'lst')).rejects.toMatchObject({ hint: 'Did you mean "list"?' });
    await expect(run('up', '--prot', '1')).rejects.toMatchObject({ hint: 'Did you mean --port?' });
  });

  test('without a command it shows all of them', async () => {
    const { output, run } = setUp(ALL_COMMANDS);

    expect(await run()).toBe(0);

    for (const { path } of ALL_COMMANDS) expect(output.text).toContain(`  ${path[0]}`);
  });

  test('prints the version', async () => {
    const { output, run } = setUp();

    expect(await run('--version')).toBe(0);

    expect(output.text).toBe('1.2.3\n');
  });

  test.each(Object.keys(COMMAND_GROUPS))(
    'the commands of "gantry %s" are told within 80 columns',
    async (group) => {
      const { output, run } = setUp(ALL_COMMANDS);

      expect(await run(group, '--help')).toBe(0);

      expect(output.text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  test.each(ALL_COMMANDS.map((command) => [command.path.join(' '), command] as const))(
    '"gantry %s --help" shows its options and an example',
    async (_name, command) => {
      const { output, run } = setUp(ALL_COMMANDS);

      expect(await run(...command.path, '--help')).toBe(0);

      expect(output.text).toContain(command.summary);
      for (const option of command.options ?? [])
        expect(output.text).toContain(option.flags.split(/[ ,]/)[0]);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const [line] of command.examples) expect(output.text).toContain(line);
    },
  );
});
