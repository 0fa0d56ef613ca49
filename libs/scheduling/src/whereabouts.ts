import type { FunctionOptionsSpec, PrivateNetworkKind, WorkerLabels, WorkerStatus } from '@gantry/protocol';

/** What there is to know about a machine besides what it has. */
export interface MachineTraits extends WorkerLabels {
  /** Its containers are kept apart from each other and from the machine. */
  isolation?: boolean | undefined;
  /** Who reaches the addresses of its containers. @defaultValue they have none */
  privateNetwork?: PrivateNetworkKind | undefined;
}

/** Which machines a container may be on. */
export interface Whereabouts extends Pick<
  FunctionOptionsSpec,
  'region' | 'cloud' | 'blockNetwork' | 'privateNetwork'
> {
  /** Of a gang: the {@link zoneOf} its machines. */
  zone?: string | undefined;
}

/** What machines have in common whose containers reach each other: a region, or being the same machine. */
export function zoneOf(workerId: string, { region = '', privateNetwork }: MachineTraits): string {
  return privateNetwork === 'machine' ? workerId : region;
}

export function traitsOf({ labels, driver }: Pick<WorkerStatus, 'labels' | 'driver'>): MachineTraits {
  const { isolation, privateNetwork } = driver ?? {};
  return { ...labels, ...(isolation && { isolation }), ...(privateNetwork && { privateNetwork }) };
}

/** Undefined for a function that may run on all. */
export function whereaboutsOf(options: FunctionOptionsSpec): Whereabouts | undefined {
  const { region, cloud, blockNetwork, privateNetwork } = options;
  const isSomewhere = region !== undefined || cloud !== undefined || blockNetwork || privateNetwork;
  return isSomewhere ? { region, cloud, blockNetwork, privateNetwork } : undefined;
}

/** Whether such a machine will do. */
export function isWhere(wish: Whereabouts, traits: MachineTraits): boolean {
  const { region, cloud } = wish;
  if (wish.blockNetwork && !traits.isolation) return false;
  if (wish.privateNetwork && !traits.privateNetwork) return false;
  if (cloud !== undefined && cloud.toLowerCase() !== traits.cloud?.toLowerCase()) return false;
  if (!region) return true;
  const names = [traits.region, ...(traits.others ?? [])].filter((name) => name !== undefined);
  return region.some((asked) => names.some((name) => isWithin(name.toLowerCase(), asked.toLowerCase())));
}

// `us` has `us-east`, which has `us-east-1`.
function isWithin(name: string, asked: string): boolean {
  return name === asked || name.startsWith(`${asked}-`);
}
