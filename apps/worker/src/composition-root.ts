import 'reflect-metadata';

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { openBlobStore, volumeStoreConfig, type BlobStore } from '@gantry/blobs';
import {
  CONTAINER_IDS,
  isGvisor,
  openOciDriver,
  ProcessDriver,
  type ContainerDriver,
} from '@gantry/containers';
import { connectMessaging, EnvironmentDirectory, volumeHeads, type Messaging } from '@gantry/messaging';
import { BucketMounts, VersionsInUse } from '@gantry/mounts';
import { DEFAULTS } from '@gantry/protocol';
import { IdentityKeys, InlineSecrets, SealingKeys, SecretOpener, SecretStore } from '@gantry/secrets';
import { blobPages, VolumeDirectory, VolumeStore } from '@gantry/volumes';
import {
  container as rootContainer,
  instanceCachingFactory,
  type DependencyContainer,
  type InjectionToken,
} from 'tsyringe';

import { WorkerBuckets } from './buckets/worker-buckets.ts';
import { BundleStore } from './bundles/bundle-store.ts';
import { systemClock, type Clock } from './clock.ts';
import type { WorkerSpec } from './config.ts';
import { ImageStore } from './images/image-store.ts';
import { ContainerIdentity } from './containers/container-identity.ts';
import { ContainerSecrets } from './containers/container-secrets.ts';
import { WorkerTables } from './containers/container-tables.ts';
import { LocalMachine } from './machine/local-machine.ts';
import type { VolumeBlocksSetup } from './volumes/volume-blocks.ts';
import { WorkerVolumes, type WorkerVolumesOptions } from './volumes/worker-volumes.ts';
import type { PrivateNetwork } from './private-network/private-network.ts';
import { RegionNetwork } from './private-network/region-network.ts';
import { LoopbackNetwork } from './private-network/loopback-network.ts';
import { workerIdIn } from './worker-id.ts';
import { Worker, type WorkerParts } from './worker.ts';

/** What copies of blocks of volumes may take on this machine's disk. */
const BLOCK_CACHE_BYTES = 10 * 1024 ** 3;

const TOKENS = {
  spec: Symbol('WorkerSpec') as InjectionToken<WorkerSpec>,
  workerId: Symbol('workerId') as InjectionToken<string>,
  clock: Symbol('Clock') as InjectionToken<Clock>,
  messaging: Symbol('Messaging') as InjectionToken<Messaging>,
  blobs: Symbol('BlobStore') as InjectionToken<BlobStore>,
  volumeBlobs: Symbol('BlobStore of volumes') as InjectionToken<BlobStore>,
  driver: Symbol('ContainerDriver') as InjectionToken<ContainerDriver>,
  bundles: Symbol('BundleStore') as InjectionToken<BundleStore>,
  images: Symbol('ImageStore') as InjectionToken<ImageStore>,
  environments: Symbol('EnvironmentDirectory') as InjectionToken<EnvironmentDirectory>,
  machine: Symbol('LocalMachine') as InjectionToken<LocalMachine>,
};

/** Connects a worker's parts: NATS, the blob store, the container driver. The only place that names them. */
export async function composeWorker(spec: WorkerSpec): Promise<{ workerId: string; worker: Worker }> {
  const root = rootContainer.createChildContainer();
  const workerId = workerIdIn(spec.folder);
  const [messaging, blobs, volumeBlobs, machine] = await Promise.all([
    connectMessaging({
      ...{ url: spec.natsUrl, rateLimit: spec.rateLimit, nearby: spec.nearby },
      name: `worker ${workerId}`,
    }),
    openBlobStore(spec.blobs),
    openBlobStore(volumeStoreConfig(spec.blobs)),
    LocalMachine.find({ ...spec, offersGpus: !isGvisor(spec.driver.ociRuntime ?? '') }),
  ]);
  root.registerInstance(TOKENS.spec, spec);
  root.registerInstance(TOKENS.workerId, workerId);
  root.registerInstance(TOKENS.clock, systemClock);
  root.registerInstance(TOKENS.messaging, messaging);
  root.registerInstance(TOKENS.blobs, blobs);
  root.registerInstance(TOKENS.volumeBlobs, volumeBlobs);
  root.registerInstance(TOKENS.machine, machine);
  root.registerInstance(TOKENS.environments, new EnvironmentDirectory(messaging));
  root.register(TOKENS.driver, { useFactory: instanceCachingFactory(createDriver) });
  root.register(TOKENS.bundles, {
    useFactory: instanceCachingFactory(
      (from) => new BundleStore(from.resolve(TOKENS.spec).folder, from.resolve(TOKENS.blobs)),
    ),
  });
  root.register(TOKENS.images, {
    useFactory: instanceCachingFactory((from) => {
      const { folder } = from.resolve(TOKENS.spec);
      const { registry } = from.resolve(TOKENS.messaging);
      return new ImageStore({ folder: join(folder, 'layers'), blobs: from.resolve(TOKENS.blobs), registry });
    }),
  });
  root.register(Worker, { useFactory: instanceCachingFactory(createWorker) });
  return { workerId, worker: root.resolve(Worker) };
}

function createDriver(from: DependencyContainer): ContainerDriver {
  const { folder, runnerPath, nodePath, nodeFlags, prewarm, driver } = from.resolve(TOKENS.spec);
  const shared = { dataDir: folder, runnerPath, nodePath, nodeFlags, prewarm };
  if (driver.name === 'runc') {
    return openOciDriver({
      ...shared,
      ociRuntime: driver.ociRuntime,
      prewarmDiskMiB: DEFAULTS.ephemeralDiskMiB,
    });
  }
  const env = { GANTRY_COMPILE_CACHE: join(folder, 'compile-cache') };
  return new ProcessDriver({ ...shared, env });
}

function createPrivateNetwork(from: DependencyContainer): PrivateNetwork {
  const { natsUrl, labels, log } = from.resolve(TOKENS.spec);
  if (from.resolve(TOKENS.driver).capabilities.privateNetwork !== 'region') return new LoopbackNetwork();
  const workerId = from.resolve(TOKENS.workerId);
  return new RegionNetwork({
    ...{ workerId, region: labels.region, log },
    registry: from.resolve(TOKENS.messaging).registry,
    connect: () => connectMessaging({ url: natsUrl, name: `private network of worker ${workerId}` }),
  });
}

function createSecrets(from: DependencyContainer): ContainerSecrets {
  const { registry } = from.resolve(TOKENS.messaging);
  const { dataDir, secretsKey } = from.resolve(TOKENS.spec);
  const keys = new SealingKeys({ dataDir, key: secretsKey });
  return new ContainerSecrets(
    new SecretOpener(new SecretStore({ registry, keys, environments: from.resolve(TOKENS.environments) })),
    new InlineSecrets(registry, keys),
  );
}

function createIdentity(from: DependencyContainer): ContainerIdentity {
  const { registry } = from.resolve(TOKENS.messaging);
  const { dataDir, secretsKey, log, identityTokenMs: tokenMs } = from.resolve(TOKENS.spec);
  const sealing = new SealingKeys({ dataDir, key: secretsKey });
  return new ContainerIdentity({
    keys: new IdentityKeys(registry, sealing, { tokenMs }),
    environments: from.resolve(TOKENS.environments),
    ...{ log, tokenMs },
  });
}

function createVolumes(from: DependencyContainer): Pick<WorkerParts, 'volumes' | 'volumeDirectory'> {
  const { folder, driver, log } = from.resolve(TOKENS.spec);
  const { registry } = from.resolve(TOKENS.messaging);
  const blobs = from.resolve(TOKENS.volumeBlobs);
  const store = new VolumeStore({
    heads: volumeHeads(registry),
    pages: blobPages(blobs),
    nowMs: Date.now,
    pause: (ms) => delay(ms),
    random: Math.random,
  });
  const ownerId = driver.name === 'runc' ? CONTAINER_IDS.first : undefined;
  return {
    volumes: new WorkerVolumes({
      ...{ folder: join(folder, 'volumes'), store, blobs, ownerId },
      isSandboxed: !from.resolve(TOKENS.driver).capabilities.lateMounts,
      mounts: versionMounts(from.resolve(TOKENS.spec)),
      inUse: new VersionsInUse({
        registry,
        holder: from.resolve(TOKENS.workerId),
        warn: (message, err) => log.warn({ err }, message),
      }),
    }),
    volumeDirectory: new VolumeDirectory({
      ...{ registry, store, blobs, pause: (ms) => delay(ms) },
      environments: from.resolve(TOKENS.environments),
    }),
  };
}

function createBuckets(from: DependencyContainer): Pick<WorkerParts, 'secrets' | 'identity' | 'buckets'> {
  const { folder, driver, log } = from.resolve(TOKENS.spec);
  const secrets = createSecrets(from);
  const identity = createIdentity(from);
  const mounts = new BucketMounts({
    folder: join(folder, 'buckets'),
    warn: (message) => log.warn(message),
  });
  const ownerId = driver.name === 'runc' ? CONTAINER_IDS.first : (process.getuid?.() ?? 0);
  return { secrets, identity, buckets: new WorkerBuckets({ mounts, secrets, identity, ownerId }) };
}

/** Nothing where the program that serves mounts was not built, as in tests. */
function versionMounts({ runnerPath, blobs, folder, log }: WorkerSpec): WorkerVolumesOptions['mounts'] {
  const program = join(dirname(runnerPath), 'mount-daemon.mjs');
  if (!existsSync(program)) return undefined;
  const setup: VolumeBlocksSetup = {
    blobs,
    cacheFolder: join(folder, 'volumes', 'blocks'),
    cacheBytes: BLOCK_CACHE_BYTES,
  };
  return { program, setup, warn: (message) => log.warn(message) };
}

function createWorker(from: DependencyContainer): Worker {
  const { exitGraceMs, silenceMs, nodePath, log, driver } = from.resolve(TOKENS.spec);
  return new Worker({
    workerId: from.resolve(TOKENS.workerId),
    ...{ exitGraceMs, silenceMs, log },
    machine: from.resolve(TOKENS.machine),
    nodeVersion: nodeVersionOf(nodePath),
    limitation: driver.why && driver.hint ? { message: driver.why, hint: driver.hint } : undefined,
    messaging: from.resolve(TOKENS.messaging),
    blobs: from.resolve(TOKENS.blobs),
    driver: from.resolve(TOKENS.driver),
    bundles: from.resolve(TOKENS.bundles),
    images: from.resolve(TOKENS.images),
    ...createBuckets(from),
    privateNetwork: createPrivateNetwork(from),
    environments: from.resolve(TOKENS.environments),
    ...createVolumes(from),
    tables: new WorkerTables(from.resolve(TOKENS.messaging)),
    clock: from.resolve(TOKENS.clock),
  });
}

function nodeVersionOf(nodePath: string | undefined): string {
  if (nodePath === undefined) return process.versions.node;
  return execFileSync(nodePath, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
}
