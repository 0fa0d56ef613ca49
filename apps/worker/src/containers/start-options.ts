import { dirname, join } from 'node:path';

import type { ContainerLimits, ContainerMount, StartOptions } from '@gantry/containers';
import { DEFAULTS, type FunctionOptionsSpec } from '@gantry/protocol';

import type { ContainerOrder } from './load-message.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';

/** Where containers with a file system of their own find the code; modules look for packages in the folders above it. */
const BUNDLE_FOLDER = '/opt/gantry/bundle';
const PACKAGES_FOLDER = '/opt/gantry/node_modules';

type Around = Pick<ContainerSurroundings, 'driver' | 'bundles'>;

/** What the driver is told of a container: for those with a file system of their own, what is to be in that. */
export async function startOptions(order: ContainerOrder, around: Around): Promise<StartOptions> {
  const { containerId, record } = order;
  const { options } = record.spec;
  const { driver, bundles } = around;
  const limits = limitsOf(options);
  const network = options.blockNetwork ? 'none' : 'outbound';
  const common: StartOptions = { id: containerId, limits, network };
  if (!driver.capabilities.images) return common;
  const { packages, image } = record;
  const [bundlePath, packagesFolder, ...extraLayers] = await Promise.all([
    bundles.open(record),
    packages && bundles.openArchive(packages.digest),
    ...(image?.files ?? []).map((file) => bundles.openLayer(file)),
  ]);
  const mounts: ContainerMount[] = [{ source: dirname(bundlePath), target: BUNDLE_FOLDER }];
  if (packagesFolder) mounts.push({ source: join(packagesFolder, 'node_modules'), target: PACKAGES_FOLDER });
  return { ...common, mounts, extraLayers };
}

/** A single number is a request: what the container gets of a full machine. A second one is what it may not exceed. */
export function limitsOf({ cpu, memoryMiB, ephemeralDiskMiB }: FunctionOptionsSpec): ContainerLimits {
  const [cpuRequest = DEFAULTS.cpu, cpuLimit] = [cpu ?? []].flat();
  const [, memoryLimit] = [memoryMiB ?? []].flat();
  return {
    cpu: cpuRequest,
    cpuLimit,
    memoryMiB: memoryLimit,
    diskMiB: ephemeralDiskMiB ?? DEFAULTS.ephemeralDiskMiB,
  };
}
