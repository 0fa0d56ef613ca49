import { dirname, join } from 'node:path';

import type {
  Container,
  ContainerLimits,
  ContainerMount,
  ContainerRoot,
  ContainerVolume,
  PrivateLink,
  StartOptions,
} from '@gantry/containers';
import { ContainerError, DEFAULTS, type FunctionOptionsSpec } from '@gantry/protocol';

import type { ContainerOrder } from './load-message.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';

/** Where containers with a file system of their own find the code; modules look for packages in the folders above it. */
const BUNDLE_FOLDER = '/opt/gantry/bundle';
const PACKAGES_FOLDER = '/opt/gantry/node_modules';
/** Cores that a container may take beyond what it asked for, unless it says how many. */
const BURST_CORES = 16;

type Around = Pick<ContainerSurroundings, 'driver' | 'bundles' | 'images'> & {
  /** What the driver is to show of volumes. @defaultValue nothing */
  shown?: readonly ContainerVolume[] | undefined;
  /** Its place in a private network. @defaultValue it has none */
  privateLink?: PrivateLink | undefined;
};

/**
 * Starts a container with what its function needs. Its image stays on this machine as long as it runs.
 *
 * @throws NotFoundError for what the platform lacks, and what the driver throws.
 */
export async function startContainer(order: ContainerOrder, around: Around): Promise<Container> {
  const { driver, images } = around;
  const imageId = driver.capabilities.images ? order.record.image?.id : undefined;
  const image = imageId === undefined ? undefined : await images.open(imageId);
  try {
    const container = await driver.start(await startOptions(order, around, image?.root));
    void container.exited.then(() => image?.release());
    return container;
  } catch (error) {
    image?.release();
    throw error;
  }
}

/**
 * What the driver is told of a container: for those with a file system of their own, what is to be in that.
 *
 * @throws {@link ContainerError} for what the user must be able to rely on and this driver cannot do.
 */
export async function startOptions(
  order: ContainerOrder,
  around: Omit<Around, 'images'>,
  root?: ContainerRoot,
): Promise<StartOptions> {
  const { containerId, record, gpus } = order;
  const { options } = record.spec;
  const { driver, bundles, shown: volumes, privateLink } = around;
  if (options.blockNetwork && !driver.capabilities.isolation) throw notIsolated(driver.capabilities.name);
  if (options.privateNetwork && !driver.capabilities.privateNetwork) throw alone(driver.capabilities.name);
  const limits = limitsOf(options);
  const network = options.blockNetwork ? 'none' : 'outbound';
  const common: StartOptions = { id: containerId, limits, network, gpus, volumes, privateLink };
  if (!driver.capabilities.images) return common;
  const { packages, image } = record;
  const [bundlePath, packagesFolder, ...extraLayers] = await Promise.all([
    bundles.open(record),
    packages && bundles.openArchive(packages.digest),
    ...(image?.files ?? []).map((file) => bundles.openLayer(file, root?.workdir)),
  ]);
  const mounts: ContainerMount[] = [{ source: dirname(bundlePath), target: BUNDLE_FOLDER }];
  if (packagesFolder) mounts.push({ source: join(packagesFolder, 'node_modules'), target: PACKAGES_FOLDER });
  return { ...common, root, mounts, extraLayers, code: bundlePath };
}

/** A single number is a request: what the container gets of a full machine. A second one is what it may not exceed. */
export function limitsOf({ cpu, memoryMiB, ephemeralDiskMiB }: FunctionOptionsSpec): ContainerLimits {
  const [cpuRequest = DEFAULTS.cpu, cpuLimit] = [cpu ?? []].flat();
  const [, memoryLimit] = [memoryMiB ?? []].flat();
  return {
    cpu: cpuRequest,
    cpuLimit: cpuLimit ?? cpuRequest + BURST_CORES,
    memoryMiB: memoryLimit,
    diskMiB: ephemeralDiskMiB ?? DEFAULTS.ephemeralDiskMiB,
  };
}

function notIsolated(driver: string): ContainerError {
  return new ContainerError(
    `"blockNetwork" needs isolated containers, and those of this worker ("${driver}") are not`,
    { hint: 'Run it on a worker with an isolating driver, or leave the option out.' },
  );
}

function alone(driver: string): ContainerError {
  return new ContainerError(
    `"privateNetwork" needs containers that reach each other, and those of this worker ("${driver}") do not`,
    { hint: 'Run it on a worker whose containers do, or leave the option out.' },
  );
}
