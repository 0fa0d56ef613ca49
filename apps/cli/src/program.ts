import { Command, CommanderError, Option } from 'commander';

import { CommandOptions, type CommandContext, type CommandSpec } from './command.ts';
import { UsageError } from './usage-error.ts';

export interface ProgramOptions {
  commands: readonly CommandSpec[];
  /** What each group of commands is about, by its name. */
  groups: Readonly<Record<string, string>>;
  context: CommandContext;
}

/**
 * Runs one command line (without the program's name) and returns its exit code.
 *
 * @throws {@link UsageError} when the line is wrong, and whatever the command throws.
 */
export async function runProgram(options: ProgramOptions, argv: readonly string[]): Promise<number> {
  const outcome: Outcome = { exitCode: 0, command: 'gantry' };
  const program = createProgram(options, outcome);
  if (argv.length === 0) {
    options.context.terminal.out(program.helpInformation().trimEnd());
    return 0;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return toResult(error, outcome.command);
    throw error;
  }
  return outcome.exitCode;
}

/** What came of a line. */
interface Outcome {
  exitCode: number;
  /** Which command refused it. */
  command: string;
}

function createProgram(options: ProgramOptions, outcome: Outcome): Command {
  const { terminal, version } = options.context;
  const program = new Command('gantry')
    .description('Run TypeScript functions in autoscaled containers on your own machines.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showHelpAfterError(false)
    // Beside the longest usages there are 35 columns of 80, which Commander would leave to the terminal to break.
    .configureHelp({ minWidthToWrap: 30 })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      // Errors are printed once, by the caller, in the house form.
      writeErr: () => {},
      outputError: () => {},
    });
  program.enablePositionalOptions();
  for (const spec of options.commands) {
    const [first, second] = spec.path;
    const parent =
      second === undefined ? program : findOrAddGroup(program, first, options.groups[first] ?? '');
    addCommand(parent, spec, { context: options.context, outcome });
  }
  return program;
}

function findOrAddGroup(program: Command, name: string, summary: string): Command {
  const present = program.commands.find((command) => command.name() === name);
  if (present) return present;
  const group = program.command(name).description(summary).helpCommand(false);
  return group
    .action((_options: unknown, command: Command) => {
      const [unknown] = command.args;
      const known = group.commands.map((each) => each.name());
      throw new UsageError(
        unknown === undefined ? `"gantry ${name}" needs a command` : `unknown command "${name} ${unknown}"`,
        { hint: suggest(unknown, known) ?? `Commands: ${known.join(', ')}. See "gantry ${name} --help".` },
      );
    })
    .allowExcessArguments();
}

function addCommand(
  parent: Command,
  spec: CommandSpec,
  { context, outcome }: { context: CommandContext; outcome: Outcome },
): void {
  const command = parent
    .command(spec.path.at(-1) ?? '')
    .summary(spec.summary)
    .allowExcessArguments(false)
    .exitOverride((error) => {
      outcome.command = `gantry ${spec.path.join(' ')}`;
      throw error;
    });
  command.description(spec.details ? `${spec.summary}\n\n${spec.details}` : spec.summary);
  for (const argument of spec.arguments ?? []) command.argument(argument.usage, argument.description);
  for (const option of spec.options ?? []) {
    const text = option.fallback ? `${option.description} (default: ${option.fallback})` : option.description;
    const added = new Option(option.flags, text);
    if (option.isRepeated) added.argParser((value: string, before?: string[]) => [...(before ?? []), value]);
    command.addOption(added);
  }
  command.addHelpText('after', () => examplesText(spec));
  if (spec.passesFlagsOn) command.passThroughOptions().allowUnknownOption();
  command.action(async () => {
    if (spec.passesFlagsOn) refuseOption(command);
    const input = { arguments: command.args, options: new CommandOptions(command.opts()) };
    outcome.exitCode = (await spec.run(context, input)) ?? 0;
  });
}

/** Flags that are not known are passed on, but not before there is something to pass them to. */
function refuseOption({ args, options }: Command): void {
  const [word = ''] = args;
  if (!/^-./.test(word) || word === '--') return;
  const known = options.map(({ long }) => long ?? '');
  throw new UsageError(`unknown option "${word}"`, {
    hint: suggest(word, known) ?? 'Flags of the code come after its name. See --help.',
  });
}

function examplesText(spec: CommandSpec): string {
  const width = Math.max(...spec.examples.map(([line]) => line.length));
  return [
    '',
    'Examples:',
    ...spec.examples.map(([line, purpose]) => `  ${line.padEnd(width)}  ${purpose}`),
  ].join('\n');
}

/** Help and version end the program well; everything else that commander stops for is a usage error. */
function toResult(error: CommanderError, command: string): number {
  if (['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)) return 0;
  const [message = '', ...suggestion] = error.message.replace(/^error: /, '').split('\n');
  const found = /Did you mean (?:one of )?(.+)\?/.exec(suggestion.join(' '))?.[1];
  throw new UsageError(message.replaceAll("'", '"'), {
    hint: found ? `Did you mean ${found}?` : `See "${command} --help".`,
  });
}

function suggest(given: string | undefined, known: readonly string[]): string | undefined {
  if (given === undefined) return undefined;
  const near = known.filter((name) => editDistance(given, name) <= 2);
  return near.length > 0 ? `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?` : undefined;
}

/** Fewest insertions, deletions and replacements that turn one word into another. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
