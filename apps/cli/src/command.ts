import type { Terminal } from './terminal/terminal.ts';

/** What a command may use of the world. */
export interface CommandContext {
  terminal: Terminal;
  env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  cwd: string;
  /** The folder of the bundled programs: `server.mjs`, `gateway.mjs`, `worker.mjs`, `runner.cjs`. */
  programs: URL;
  version: string;
}

export interface ArgumentSpec {
  /** As commander writes it: `<entry>`, `[app]`, `[flags...]`. */
  usage: string;
  description: string;
}

export interface OptionSpec {
  /** As commander writes it: `-e, --env <name>`, `--json`, `--no-sync`. */
  flags: string;
  description: string;
  /** Only shown; the command itself applies it. */
  fallback?: string;
  /** It may be given again and again. @defaultValue false */
  isRepeated?: boolean;
}

/** One command of the CLI, as data. */
export interface CommandSpec {
  /** `['app', 'list']` is `gantry app list`. */
  path: readonly [string] | readonly [string, string];
  /** One line for the list of commands. */
  summary: string;
  /** Further paragraphs of `--help`. */
  details?: string;
  arguments?: readonly ArgumentSpec[];
  options?: readonly OptionSpec[];
  /** Command lines and what each does. */
  examples: readonly (readonly [line: string, purpose: string])[];
  /** Everything after the first argument belongs to the user's function, even flags. */
  passesFlagsOn?: boolean;
  /** Returns the exit code if it is not 0. */
  run(context: CommandContext, input: CommandInput): Promise<number | void>;
}

/** Values of a command line, as text: each command parses what it needs. */
export interface CommandInput {
  arguments: readonly string[];
  options: CommandOptions;
}

export class CommandOptions {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Of an option that may be given again and again. */
  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }

  /** True if the flag is given; `--no-x` is `flag('x') === false`. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** What `--x` or `--no-x` said; undefined if neither is given. */
  given(name: string): boolean | undefined {
    const value = this.#values[name];
    return typeof value === 'boolean' ? value : undefined;
  }
}

/** Options that more than one command has. */
export const SHARED_OPTIONS = {
  environment: {
    flags: '-e, --env <name>',
    description: 'environment',
    fallback: 'GANTRY_ENVIRONMENT, else that of the profile, else main',
  },
  module: { flags: '-m, --module', description: 'the target is a module as an import names it, not a file' },
  pty: [
    { flags: '--pty', description: 'give the program a terminal', fallback: 'if this command has one' },
    { flags: '--no-pty', description: 'give it plain streams' },
  ],
  json: { flags: '--json', description: 'print JSON for programs' },
  profile: {
    flags: '--profile <name>',
    description: 'profile',
    fallback: 'GANTRY_PROFILE, else the active one',
  },
  dataDir: {
    flags: '--data-dir <path>',
    description: 'where state lives',
    fallback: 'GANTRY_DATA_DIR, else ~/.gantry',
  },
} as const satisfies Record<string, OptionSpec | readonly OptionSpec[]>;
