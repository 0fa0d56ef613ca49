import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { RUN_FOLDER } from '../run-folder.ts';

const NAME = 'runsc';

/** Whether this OCI runtime is gVisor's: a name on PATH, or a path. */
export function isGvisor(ociRuntime: string): boolean {
  return basename(ociRuntime) === NAME;
}

// A short path: each container has a socket there, and Unix limits the paths of sockets.
const STATE_FOLDER = join(RUN_FOLDER, NAME);

/**
 * gVisor's `runsc`: the words that it is started with. It has a kernel of its own for each container, the sandbox, which
 * is an ordinary process of this machine in the groups that it was started in.
 */
export class GvisorRuntime {
  /** Such as `runsc`, or a path. */
  readonly program: string;

  constructor(program: string) {
    this.program = program;
    mkdirSync(STATE_FOLDER, { recursive: true, mode: 0o700 });
  }

  /** To ask about a container, or to act on it. */
  get words(): string[] {
    return [this.program, '--root', STATE_FOLDER];
  }

  /** To start one: with the root as it is mounted, and sockets that are seen from outside as well. */
  runWords({ hasNetwork }: { hasNetwork: boolean }): string[] {
    const flags = ['--ignore-cgroups', '--overlay2=none', '--host-uds=create'];
    return [
      ...this.words,
      ...flags,
      `--network=${hasNetwork ? 'sandbox' : 'none'}`,
      ...['run', '--pass-fd', '3:3'],
    ];
  }
}

/** Removes what gVisor remembers of a container that is gone, if it was one of its. */
export function forgetSandbox(name: string): void {
  if (!existsSync(STATE_FOLDER)) return;
  for (const file of readdirSync(STATE_FOLDER).filter((file) => file.includes(name)))
    rmSync(join(STATE_FOLDER, file), { force: true, recursive: true });
}
