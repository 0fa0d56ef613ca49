import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

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

let bootId: string | undefined;

function identityFrom(stat: string): string | undefined {
  const fields = fieldsAfterName(stat);
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  // Start times count from the boot, so after a reboot they can repeat.
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return `${bootId}/${fields[19]}`;
}

/** Pids of the process group `group` whose environment carries `NAME=value` from their start. */
export async function groupMembersWith(group: number, assignment: string): Promise<number[]> {
  const members: number[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
    if (stat === undefined || Number(fieldsAfterName(stat)[2]) !== group) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.split('\0').includes(assignment)) members.push(pid);
  }
  return members;
}

// The name, field 2, may hold spaces and parentheses: fields are counted from behind its last one.
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
