import 'reflect-metadata';

import { resolveTxt } from 'node:dns/promises';

import type { BlobStore } from '@gantry/blobs';
import { EnvironmentDirectory, FunctionDirectory, type Messaging } from '@gantry/messaging';
import { newId } from '@gantry/protocol';
import { VolumeDirectory } from '@gantry/volumes';
import { container as rootContainer, type DependencyContainer, instanceCachingFactory } from 'tsyringe';

import { AppDirectory } from './app-directory.ts';
import { AppStopper } from './app-stopper.ts';
import type { CompleteServerConfig } from './config.ts';
import { CrashLoops } from './crash-loops.ts';
import { DeployedVolumes } from './deploy/deployed-volumes.ts';
import { Deployer } from './deploy/deployer.ts';
import { DomainStore } from './domains/domain-store.ts';
import { DemandSignal } from './demand-signal.ts';
import { EnvironmentDesk } from './environments/environment-desk.ts';
import { EnvironmentObjects } from './environments/environment-objects.ts';
import { FailedInputs } from './failed-inputs.ts';
import { FunctionStatsDesk } from './function-stats.ts';
import { HttpServer } from './http-server.ts';
import { DeployImages } from './images/deploy-images.ts';
import { type BuilderChoice, openBuilderChoice } from './images/builder-choice.ts';
import { openImageBuilds } from './images/open-image-builds.ts';
import type { ImageBuilds } from './images/image-builds.ts';
import { Leadership } from './loops/leadership.ts';
import { SchedulerLoop } from './loops/scheduler-loop.ts';
import { ScheduledCalls } from './schedules/scheduled-calls.ts';
import { openVault, type SecretVault } from './secret-vault.ts';
import { Notifier } from './notifier.ts';
import { SystemLog } from './system-log.ts';
import { TokenStore } from './token-store.ts';
import { UnplaceableFunctions } from './unplaceable-functions.ts';
import { openVolumes } from './volumes/open-volumes.ts';
import { WorkerObserver } from './worker-observer.ts';

/** What exists before the parts are put together. */
export interface ServerParts {
  config: CompleteServerConfig;
  blobs: BlobStore;
  /** Apart from the other blobs: what no volume needs any more is removed there. */
  volumeBlobs: BlobStore;
  messaging: Messaging;
}

export interface ComposedServer {
  /** Starts to answer, and to stand for the scheduler's lease; returns the base URL. */
  listen(): Promise<string>;
  makeBasesAhead(signal: AbortSignal): Promise<boolean>;
  stop(): Promise<void>;
}

/** The only place where the server's parts are named together. */
export async function composeServer(parts: ServerParts): Promise<ComposedServer> {
  const { messaging } = parts;
  const functions = await FunctionDirectory.open(messaging);
  const environments = new EnvironmentDirectory(messaging);
  await environments.open();
  const apps = await AppDirectory.open(messaging, environments);
  const tokens = await TokenStore.open(messaging);
  const workers = new WorkerObserver(messaging);
  const crashLoops = new CrashLoops({ functions, workers });
  const unplaceable = new UnplaceableFunctions(messaging, workers);
  const directories = { crashLoops, unplaceable, functions, apps, workers, tokens, environments };
  const container = rootContainer.createChildContainer();
  const vault = await openVault({ registry: messaging.registry, environments }, parts.config);
  const serverId = newId('se');
  const builder = await openBuilderChoice(messaging.registry);
  const builds = openImageBuilds({ ...parts, environments, builder }, serverId);
  const context: Context = { ...parts, ...directories, ...vault, serverId, builder, builds };
  registerDomain(container, context);
  registerEntries(container, context);
  const http = container.resolve(HttpServer);
  const loop = container.resolve(SchedulerLoop);
  const stats = new FunctionStatsDesk({ messaging, workers: directories.workers });
  return {
    listen: async () => {
      loop.start();
      return await http.listen();
    },
    makeBasesAhead: (signal) => builds.makeBasesAhead(signal),
    stop: async () => {
      await http.close();
      await loop.stop();
      stats.close();
      container.resolve(DemandSignal).close();
      await builds.close();
      for (const directory of Object.values(directories)) await directory.close();
      container.clearInstances();
    },
  };
}

interface Context extends ServerParts, SecretVault {
  serverId: string;
  builder: BuilderChoice;
  builds: ImageBuilds;
  functions: FunctionDirectory;
  apps: AppDirectory;
  environments: EnvironmentDirectory;
  workers: WorkerObserver;
  crashLoops: CrashLoops;
  tokens: TokenStore;
  unplaceable: UnplaceableFunctions;
}

function createSystemLog({ messaging, environments, config }: Context): SystemLog {
  const { log, workspace, notifyUrl: url } = config;
  const notifier = url === undefined ? undefined : new Notifier({ url, log });
  return new SystemLog({ messaging, log, environments, workspace, notifier });
}

/** What acts on apps, inputs and logs. */
function registerDomain(container: DependencyContainer, context: Context): void {
  const {
    messaging,
    blobs,
    config,
    serverId,
    apps,
    functions,
    inlineSecrets,
    deployedSecrets,
    workers,
    builds,
    environments,
  } = context;
  const { log } = config;
  container.register(SystemLog, { useFactory: instanceCachingFactory(() => createSystemLog(context)) });
  container.register(FailedInputs, { useFactory: instanceCachingFactory(() => new FailedInputs(messaging)) });
  container.register(DemandSignal, {
    useFactory: instanceCachingFactory(() => new DemandSignal({ messaging, from: serverId })),
  });
  container.register(ScheduledCalls, {
    useFactory: instanceCachingFactory(
      (scope) => new ScheduledCalls({ messaging, demand: scope.resolve(DemandSignal) }),
    ),
  });
  container.register(AppStopper, {
    useFactory: instanceCachingFactory(
      (scope) =>
        new AppStopper({
          ...{ messaging, apps, functions, inlineSecrets, log },
          failed: scope.resolve(FailedInputs),
        }),
    ),
  });
  container.register(DomainStore, {
    useFactory: instanceCachingFactory(
      () => new DomainStore(messaging.registry, config.domain, config.resolveText ?? resolveTxt),
    ),
  });
  container.register(DeployImages, {
    useFactory: instanceCachingFactory(
      () => new DeployImages({ registry: messaging.registry, secrets: deployedSecrets, workers, builds }),
    ),
  });
  container.register(Deployer, {
    useFactory: instanceCachingFactory(
      (scope) =>
        new Deployer({
          ...{ messaging, blobs, config, serverId, workers, environments },
          stopper: scope.resolve(AppStopper),
          secrets: deployedSecrets,
          volumes: new DeployedVolumes(scope.resolve(VolumeDirectory), environments),
          domains: scope.resolve(DomainStore),
          images: scope.resolve(DeployImages),
        }),
    ),
  });
}

/** What is started: the scheduler's loop and the API. */
function registerEntries(container: DependencyContainer, context: Context): void {
  const { messaging, config, serverId, environments, secrets } = context;
  const { log } = config;
  container.register(Leadership, {
    useFactory: instanceCachingFactory(
      () => new Leadership({ leases: messaging.leases, holder: serverId, log }),
    ),
  });
  container.register(SchedulerLoop, {
    useFactory: instanceCachingFactory(
      (scope) =>
        new SchedulerLoop({
          ...context,
          volumes: scope.resolve(VolumeDirectory),
          objects: scope.resolve(EnvironmentObjects),
          leadership: scope.resolve(Leadership),
          stopper: scope.resolve(AppStopper),
          failed: scope.resolve(FailedInputs),
          systemLog: scope.resolve(SystemLog),
          calls: scope.resolve(ScheduledCalls),
          log,
        }),
    ),
  });
  container.register(EnvironmentObjects, {
    useFactory: instanceCachingFactory(
      (scope) =>
        new EnvironmentObjects({
          ...{ registry: messaging.registry, secrets },
          stopper: scope.resolve(AppStopper),
          volumes: scope.resolve(VolumeDirectory),
        }),
    ),
  });
  container.register(VolumeDirectory, {
    useFactory: instanceCachingFactory(() =>
      openVolumes({ registry: messaging.registry, blobs: context.volumeBlobs, environments }),
    ),
  });
  container.register(HttpServer, {
    useFactory: instanceCachingFactory(
      (scope) =>
        new HttpServer({
          ...context,
          deployer: scope.resolve(Deployer),
          images: scope.resolve(DeployImages),
          stopper: scope.resolve(AppStopper),
          demand: scope.resolve(DemandSignal),
          calls: scope.resolve(ScheduledCalls),
          volumes: scope.resolve(VolumeDirectory),
          domains: scope.resolve(DomainStore),
          environmentDesk: new EnvironmentDesk({
            ...{ registry: messaging.registry, environments },
            objects: scope.resolve(EnvironmentObjects),
          }),
        }),
    ),
  });
}
