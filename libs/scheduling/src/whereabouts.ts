import type { FunctionOptionsSpec, WorkerLabels, WorkerStatus } from '@gantry/protocol';

/** What there is to know about a machine besides what it has. */
export interface MachineTraits extends WorkerLabels {
  /** Its containers are kept apart from each other and from the machine. */
  isolation?: boolean | undefined;
}

/** Which machines a container may be on. */
export type Whereabouts = Pick<FunctionOptionsSpec, 'region' | 'cloud' | 'blockNetwork'>;

export function traitsOf({ labels, driver }: Pick<WorkerStatus, 'labels' | 'driver'>): MachineTraits {
  return { ...labels, ...(driver?.isolation && { isolation: true }) };
}

/** Undefined for a function that may run on all. */
export function whereaboutsOf({ region, cloud, blockNetwork }: FunctionOptionsSpec): Whereabouts | undefined {
  return region || cloud !== undefined || blockNetwork ? { region, cloud, blockNetwork } : undefined;
}

/** Whether such a machine will do. */
export function isWhere({ region, cloud, blockNetwork }: Whereabouts, traits: MachineTraits): boolean {
  if (blockNetwork && !traits.isolation) return false;
  if (cloud !== undefined && cloud.toLowerCase() !== traits.cloud?.toLowerCase()) return false;
  if (!region) return true;
  const names = [traits.region, ...(traits.others ?? [])].filter((name) => name !== undefined);
  return region.some((asked) => names.some((name) => isWithin(name.toLowerCase(), asked.toLowerCase())));
}

// `us` has `us-east`, which has `us-east-1`.
function isWithin(name: string, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}-`);
}
