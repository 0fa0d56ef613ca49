/** What an inferred target says, and what the command line added. */
export interface GantryExecutorOptions {
  command: 'build' | 'deploy' | 'serve' | 'run';
  /** Entry file, relative to the project. */
  entry: string;
  /** Folder of the build, relative to the project. */
  manifest: string;
  /** Which local entrypoint or function `run` runs. */
  function?: string;
  /** The command line's arguments as they were written. */
  __unparsed__?: string[];
}

const OWN_OPTIONS = ['entry', 'manifest', 'function'];

/** The arguments for `gantry`, one element each: nothing is ever pasted into a shell command. */
export function gantryArguments(options: GantryExecutorOptions): string[] {
  const { command, entry, manifest } = options;
  const added = withoutOwnOptions(options.__unparsed__ ?? []);
  switch (command) {
    case 'build':
      return ['build', entry, '--out', manifest, ...added];
    case 'deploy':
      return ['deploy', '--manifest', manifest, ...added];
    case 'serve':
      return ['serve', entry, ...added];
    case 'run':
      return ['run', options.function === undefined ? entry : `${entry}::${options.function}`, ...added];
  }
}

// Nx hands over all arguments as written, also those that it understood as options of the executor.
function withoutOwnOptions(unparsed: string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < unparsed.length; index++) {
    const argument = unparsed[index] ?? '';
    const own = OWN_OPTIONS.find((name) => argument === `--${name}` || argument.startsWith(`--${name}=`));
    if (own === undefined) kept.push(argument);
    else if (argument === `--${own}`) index += 1;
  }
  return kept;
}
