import { readFileSync } from 'node:fs';

/**
 * True if a process with this id runs. One that has ended and that nobody has waited for, as in a container without an
 * init process, does not run. False for no id.
 */
export function isRunning(pid: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The state follows the name, which may hold parentheses itself.
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
