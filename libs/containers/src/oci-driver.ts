import type { ContainerDriver } from './container-driver.ts';
import { GvisorDriver } from './gvisor/gvisor-driver.ts';
import { isGvisor } from './gvisor/gvisor-runtime.ts';
import { RuncDriver, type RuncDriverOptions } from './runc/runc-driver.ts';

/** The driver for an OCI runtime: gVisor's has one of its own, all others are driven alike. */
export function openOciDriver(options: RuncDriverOptions): ContainerDriver {
  return isGvisor(options.ociRuntime ?? '') ? new GvisorDriver(options) : new RuncDriver(options);
}
