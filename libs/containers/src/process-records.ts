import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isAlive, OwnedRecords, type ProcessMark } from './owned-records.ts';
import { removeBeside } from './container-paths.ts';
import { processesWith, processIdentity } from './process-identity.ts';

interface Details extends Partial<ProcessMark> {
  directory: string;
}

interface StartedProcess {
  /** Undefined while it is about to be started. */
  pid?: number | undefined;
  token: string;
  directory: string;
}

/** Name of the environment variable that marks all processes of a container. */
export const TOKEN_VARIABLE = 'GANTRY_PROCESS';

/**
 * Records of running processes. A process is only ended when start time or token prove that it is the recorded one:
 * every process of a container inherits `GANTRY_PROCESS=<token>`.
 *
 * What a record names comes after the record: the process, its directory, and the next name of that. So a worker may be
 * killed at any moment.
 */
export class ProcessRecords {
  readonly #records: OwnedRecords<Details>;

  constructor(folder: string) {
    this.#records = new OwnedRecords(folder);
  }

  add({ pid, token, directory }: StartedProcess): void {
    const mark = pid === undefined ? {} : { pid, identity: processIdentity(pid) };
    this.#records.add(token, { ...mark, directory });
  }

  remove(token: string): void {
    this.#records.remove(token);
  }

  /** Ends processes whose worker is gone, with their process groups and directories. */
  reconcile(): Promise<number> {
    return this.#records.reconcile(async (record, token) => {
      const hasEnded = await endProcesses(record, token);
      // A directory that its worker was about to rename still has its first name.
      for (const directory of [record.directory, warmDirectory(dirname(record.directory), token)]) {
        await rm(directory, { recursive: true, force: true });
        await removeBeside(directory);
      }
      return hasEnded;
    });
  }
}

/** Where a process that was started ahead of need has its directory. */
export function warmDirectory(containers: string, token: string): string {
  return join(containers, `warm-${token}`);
}

async function endProcesses({ pid, identity }: Details, token: string): Promise<boolean> {
  const wasAlive = pid !== undefined && isAlive({ pid, identity }) && sendKill(-pid);
  // What it started may still run, and so may programs that were run beside it.
  return (await endMarked(token)) || wasAlive;
}

/** Kills every process of a container, by the mark that they inherit. True if there was one. */
export async function endMarked(token: string): Promise<boolean> {
  const marked = await processesWith(`${TOKEN_VARIABLE}=${token}`);
  return marked.map(sendKill).some(Boolean);
}

function sendKill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
