import {
  defaultRuntime,
  findRuncProblem,
  isGvisor,
  isRootless,
  tryRunc,
  type RuncProblem,
} from '@gantry/containers';
import { ContainerError, DEFAULTS } from '@gantry/protocol';

/** How containers are made: `auto` isolates them where this machine can. */
export type DriverName = 'auto' | 'runc' | 'process';

export interface DriverChoice {
  name: Exclude<DriverName, 'auto'>;
  /** Of runc containers: what starts them, a name on PATH or a path. */
  ociRuntime?: string | undefined;
  /** One line: why containers are not isolated, where that was not asked for. */
  why?: string | undefined;
  /** What to do about it. */
  hint?: string | undefined;
}

export interface DriverWish {
  driver?: DriverName | undefined;
  ociRuntime?: string | undefined;
  /** Where a container may be tried. */
  folder: string;
  runnerPath: string;
  nodePath?: string | undefined;
}

/**
 * Finds out which driver a worker uses. `auto` starts a container to be sure, before any call depends on it. Whoever
 * names an OCI runtime wants isolation, and does not get less.
 *
 * @throws ContainerError if the one that is asked for cannot run here.
 */
export async function findDriver(wish: DriverWish): Promise<DriverChoice> {
  const { driver = 'auto', ociRuntime = defaultRuntime(), folder: dataDir, runnerPath, nodePath } = wish;
  if (driver === 'process') return { name: 'process' };
  const lacking = findRuncProblem(ociRuntime);
  const isNamed = driver === 'runc' || wish.ociRuntime !== undefined;
  const trial = { dataDir, runnerPath, nodePath, ociRuntime, diskMiB: DEFAULTS.ephemeralDiskMiB };
  // Not every kernel runs gVisor's own.
  const isTried = !isNamed || isGvisor(ociRuntime);
  const problem = lacking ?? (isTried ? await tryRunc(trial) : undefined);
  return chooseDriver({ driver: isNamed ? 'runc' : 'auto', ociRuntime }, problem);
}

/** What containers of an ordinary user lack. */
const UNLIMITED = {
  why: 'as an ordinary user: memory is limited by looking, CPU, disk and processes not at all',
  hint: 'Start the worker as root to limit what containers use.',
};

/** Decides between the drivers, given why containers of an OCI runtime cannot run here, if so. */
export function chooseDriver(
  { driver, ociRuntime }: { driver: Exclude<DriverName, 'process'>; ociRuntime: string },
  problem: RuncProblem | undefined,
  { isLimited = !isRootless() } = {},
): DriverChoice {
  if (!problem) return { name: 'runc', ociRuntime, ...(isLimited ? {} : UNLIMITED) };
  const { message, hint } = problem;
  if (driver === 'auto') return { name: 'process', why: `runc cannot run here: ${message}`, hint };
  throw new ContainerError(`the driver "runc" cannot run here: ${message}`, { hint });
}
