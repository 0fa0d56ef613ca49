import type { RuncProblem } from '@gantry/containers';
import { ContainerError } from '@gantry/protocol';

/** How containers are made: `auto` takes the best that this machine can. */
export type DriverName = 'auto' | 'runc' | 'process';

/** What `auto` prefers where it can run. */
const PREFERRED = 'process' as DriverChoice['name'];

export interface DriverChoice {
  name: Exclude<DriverName, 'auto'>;
  /** One line: why not the other, where that was not asked for. */
  why?: string | undefined;
  /** What to do about it. */
  hint?: string | undefined;
}

/**
 * Decides which driver a worker uses.
 *
 * @throws ContainerError if the one that is asked for cannot run here.
 */
export function chooseDriver(wanted: DriverName, problem: RuncProblem | undefined): DriverChoice {
  if (wanted === 'process') return { name: 'process' };
  if (wanted === 'runc') {
    if (!problem) return { name: 'runc' };
    throw new ContainerError(`the driver "runc" cannot run here: ${problem.message}`, { hint: problem.hint });
  }
  if (problem)
    return { name: 'process', why: `runc cannot run here: ${problem.message}`, hint: problem.hint };
  return PREFERRED === 'process'
    ? { name: 'process', why: '"--driver runc" isolates them', hint: 'Start with "--driver runc".' }
    : { name: PREFERRED };
}
