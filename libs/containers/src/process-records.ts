import { rm } from 'node:fs/promises';

import { isAlive, OwnedRecords, type ProcessMark } from './owned-records.ts';
import { processesWith, processIdentity } from './process-identity.ts';
import { socketPathFor } from './socket-path.ts';

interface Details extends ProcessMark {
  directory: string;
}

/** Name of the environment variable that marks all processes of a container. */
export const TOKEN_VARIABLE = 'GANTRY_PROCESS';

/**
 * Records of running processes. A process is only ended when start time or token prove that it is the recorded one:
 * every process of a container inherits `GANTRY_PROCESS=<token>`.
 */
export class ProcessRecords {
  readonly #records: OwnedRecords<Details>;

  constructor(folder: string) {
    this.#records = new OwnedRecords(folder);
  }

  add({ pid, token, directory }: { pid: number; token: string; directory: string }): void {
    this.#records.add(token, { pid, identity: processIdentity(pid), directory });
  }

  remove(token: string): void {
    this.#records.remove(token);
  }

  /** Ends processes whose worker is gone, with their process groups and directories. */
  reconcile(): Promise<number> {
    return this.#records.reconcile(async (record, token) => {
      const hasEnded = await endProcesses(record, token);
      await rm(record.directory, { recursive: true, force: true });
      await rm(socketPathFor(record.directory), { force: true });
      return hasEnded;
    });
  }
}

async function endProcesses(record: Details, token: string): Promise<boolean> {
  const wasAlive = isAlive(record) && sendKill(-record.pid);
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
