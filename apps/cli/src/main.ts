import { InvalidError } from '@gantry/protocol';

import { ALL_COMMANDS, COMMAND_GROUPS } from './commands/all-commands.ts';
import type { CommandContext } from './command.ts';
import { EXIT_CODES, exitCodeOf } from './exit-code.ts';
import { runProgram } from './program.ts';
import { errorJson, reportError } from './report-error.ts';
import { createTerminal } from './terminal/terminal.ts';
import { CLI_VERSION } from './version.ts';

const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: process.env });
const context: CommandContext = {
  terminal,
  env: process.env,
  cwd: process.cwd(),
  programs: new URL('./', import.meta.url),
  version: CLI_VERSION,
};

/** A reader that went away, as in `gantry app logs | head`, is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  const problem = `standard output cannot be written: ${error.code ?? error.message}`;
  reportError(new InvalidError(problem, { hint: 'Make room where it goes.' }), terminal, process.env);
  process.exit(EXIT_CODES.failed);
});

async function run(): Promise<number> {
  try {
    const options = { commands: ALL_COMMANDS, groups: COMMAND_GROUPS, context };
    return await runProgram(options, process.argv.slice(2));
  } catch (error) {
    terminal.progress('');
    reportError(error, terminal, process.env);
    // After `run`, it is a flag of the user's function.
    const [command, ...rest] = process.argv.slice(2);
    if (command !== 'run' && rest.includes('--json')) terminal.out(errorJson(error));
    return exitCodeOf(error);
  }
}

// A command that waits for what never comes has not succeeded.
process.exitCode = EXIT_CODES.failed;
void run().then((code) => {
  // What a command leaves open, such as an idle connection, must not keep the shell waiting.
  process.stdout.write('', () => process.exit(code));
});
