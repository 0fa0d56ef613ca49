/**
 * V8 lets the young objects of a busy process take 32 MiB and more before it looks for garbage, and the old ones grow fourfold.
 * The gateway has few objects that live for long.
 */
const NODE_FLAGS = ['--max-semi-space-size=4', '--initial-old-space-size=24', '--heap-growing-percent=50'];
/** glibc keeps what was freed, for each of a dozen threads. */
const MALLOC = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: String(1024 ** 2),
  MALLOC_MMAP_THRESHOLD_: String(1024 ** 2),
};

/** What this needs of a process. */
export interface ThisProcess {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Becomes another program. Node before 22.15, and Windows, have none. */
  execve?: ((file: string, args: readonly string[], env: Record<string, string>) => void) | undefined;
}

/**
 * Starts this command again with less room for garbage; does not return then: the process becomes the other one. Returns
 * where that is done, where the operator set such limits, and where a process cannot do so.
 */
export function useLittleMemory(self: ThisProcess = process as ThisProcess): void {
  if (typeof self.execve !== 'function' || hasLimits(self)) return;
  const env = { ...MALLOC, ...withoutUndefined(self.env) };
  self.execve(self.execPath, [self.execPath, ...self.execArgv, ...NODE_FLAGS, ...self.argv.slice(1)], env);
}

function hasLimits({ execArgv, env }: ThisProcess): boolean {
  return /semi[-_]space[-_]size/.test([...execArgv, env['NODE_OPTIONS']].join(' '));
}

function withoutUndefined(env: ThisProcess['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
