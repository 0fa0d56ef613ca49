import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ExecOptions } from '../container-driver.ts';

// A shell says it best when there is no such folder or program. The size of a terminal is set here, too: the runtime
// may come to that only after the program has asked for it.
const IN_FOLDER = '[ -z "$1" ] || stty rows "$1" cols "$2" 2>&-; cd -- "$3" || exit 126; shift 3; exec "$@"';

/**
 * Writes what an OCI runtime is to run beside the first program of a container. A file, not flags: everybody on this
 * machine sees the words of commands, and the environment may be secret.
 *
 * @param bundle - Folder with the container's `config.json`.
 */
export function writeProcessSpec(
  path: string,
  bundle: string,
  options: ExecOptions & { workdir: string },
): void {
  const { terminal, workdir, command } = options;
  const env = { ...options.env, ...(terminal && { TERM: terminal.term ?? 'xterm-256color' }) };
  const args = ['/bin/sh', '-c', IN_FOLDER, 'sh', ...sizeWords(terminal), workdir, ...command];
  writeFileSync(path, processSpec(bundle, { args, env, terminal: terminal !== undefined }), { mode: 0o600 });
}

interface ProcessWords {
  args: string[];
  env: Readonly<Record<string, string>>;
  terminal: boolean;
}

/** What the runtime is to run: with the rights of the container's first process, and its environment below. */
function processSpec(bundle: string, { args, env, terminal }: ProcessWords): string {
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
    process: { env: string[] };
  };
  const added = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const own = config.process.env.filter((entry) => !(entry.slice(0, entry.indexOf('=')) in env));
  return JSON.stringify({ ...config.process, args, terminal, env: [...own, ...added] });
}

function sizeWords(terminal: ExecOptions['terminal']): [rows: string, columns: string] {
  return terminal ? [String(terminal.rows), String(terminal.columns)] : ['', ''];
}
