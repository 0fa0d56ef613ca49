import { readFileSync } from 'node:fs';

let machine: string | undefined;

/** Tells this machine, as long as it runs, from all others. Empty where the system has no such name. */
export function machineId(): string {
  machine ??= readMachineId();
  return machine;
}

function readMachineId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
