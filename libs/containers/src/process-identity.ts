import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

import { machineId } from './machine-id.ts';

/**
 * What tells a process from a later one with the same pid: boot and start time. Undefined if there is no such
 * process, if it has ended and only waits for its parent to notice, or if there is no `/proc` to ask.
 */
export function processIdentity(pid: number): string | undefined {
  try {
    return identityFrom(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The kernel's flag of a process that is ending: the first one of a container waits there for all others. */
const EXITING = 4;

function identityFrom(stat: string): string | undefined {
  const fields = fieldsAfterName(stat);
  if (fields[0] === 'Z' || fields[0] === 'X' || (Number(fields[6]) & EXITING) !== 0) return undefined;
  // Start times count from the boot, so after a reboot they can repeat.
  return `${machineId()}/${fields[19]}`;
}

/** Pids of the processes whose environment carries `NAME=value` from their start. */
export async function processesWith(assignment: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of pidsIn(await readdir('/proc').catch(() => []))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (pid !== process.pid && environment.split('\0').includes(assignment)) found.push(pid);
  }
  return found;
}

/** Pids of the processes whose session `leader` leads, itself among them. Empty without `/proc`. */
export function sessionMembers(leader: number): number[] {
  try {
    return pidsIn(readdirSync('/proc')).filter((pid) => sessionOf(pid) === leader);
  } catch {
    return [];
  }
}

/** The leader of the session of a process; undefined when that has ended. */
export function sessionOf(pid: number): number | undefined {
  try {
    return Number(fieldsAfterName(readFileSync(`/proc/${pid}/stat`, 'latin1'))[3]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

function pidsIn(entries: readonly string[]): number[] {
  return entries.map(Number).filter((pid) => Number.isInteger(pid));
}

// The name, field 2, may hold spaces and parentheses: fields are counted from behind its last one.
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
