import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

import type { ContainerEnd } from '../container-driver.ts';

/** Shells and OCI runtimes say so of a program that a signal ended. */
const SIGNAL_BASE = 128;

/** The runtime ends as its container did, and can only say so in an exit code. */
export function endOfRuntime({ exitCode, signalCode }: ChildProcess): ContainerEnd {
  if (signalCode !== null) return { code: null, signal: signalCode };
  const signal = Object.entries(constants.signals).find(
    ([, number]) => number + SIGNAL_BASE === exitCode,
  )?.[0];
  return signal === undefined
    ? { code: exitCode, signal: null }
    : { code: null, signal: signal as NodeJS.Signals };
}
