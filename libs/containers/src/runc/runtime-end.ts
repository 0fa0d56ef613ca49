import { constants } from 'node:os';

import type { ContainerEnd } from '../container-driver.ts';

/** How a program ended: one of the two is set. */
export interface RuntimeExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Shells and OCI runtimes say so of a program that a signal ended. */
const SIGNAL_BASE = 128;

/** The runtime ends as its container did, and can only say so in an exit code. */
export function endOfRuntime({ code, signal: own }: RuntimeExit): ContainerEnd {
  if (own !== null) return { code: null, signal: own };
  const signal = Object.entries(constants.signals).find(([, number]) => number + SIGNAL_BASE === code)?.[0];
  return signal === undefined ? { code, signal: null } : { code: null, signal: signal as NodeJS.Signals };
}
