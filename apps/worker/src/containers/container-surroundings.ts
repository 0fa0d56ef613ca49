import type { ContainerDriver } from '@gantry/containers';
import type { Environments, WorkerToRunner } from '@gantry/protocol';

import type { WorkerBuckets } from '../buckets/worker-buckets.ts';
import type { BundleStore } from '../bundles/bundle-store.ts';
import type { GangPart } from '../gangs/gang-part.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { ContainerLog } from '../logs/log-forwarder.ts';
import type { LocalMachine } from '../machine/local-machine.ts';
import type { PrivateNetwork } from '../private-network/private-network.ts';
import type { ObjectRequests } from '../volumes/object-requests.ts';
import type { WorkerVolumes } from '../volumes/worker-volumes.ts';
import type { ContainerCalls } from './container-calls.ts';
import type { InputSurroundings } from './container-inputs.ts';
import type { ContainerIdentity } from './container-identity.ts';
import type { ContainerSecrets } from './container-secrets.ts';
import type { WorkerTables } from './container-tables.ts';
import type { ContainerTunnels } from './container-tunnels.ts';
import type { HostedContainer } from './hosted-container.ts';

/** What a container needs from its worker. */
export interface ContainerSurroundings extends InputSurroundings {
  driver: ContainerDriver;
  bundles: BundleStore;
  images: Pick<ImageStore, 'open'>;
  secrets: Pick<ContainerSecrets, 'open'>;
  identity: Pick<ContainerIdentity, 'tokenFor' | 'renew'>;
  volumes: Pick<WorkerVolumes, 'open'>;
  buckets: Pick<WorkerBuckets, 'open'>;
  tables: Pick<WorkerTables, 'of'>;
  environments: Environments;
  privateNetwork: PrivateNetwork;
  /** Set for those of clustered functions. */
  gang?: GangPart | undefined;
  machine: Pick<LocalMachine, 'environment'>;
  /** How long exit hooks, and code that is preempted, may take. */
  exitGraceMs: number;
  containerLog: ContainerLog;
  /** Called when the code makes its first request about objects. */
  openObjects(): ObjectRequests;
  /** Called when the code makes its first call. */
  openCalls(send: (message: WorkerToRunner) => void): ContainerCalls;
  /** Tunnels into it. */
  openTunnels(httpSocketPath: () => string): ContainerTunnels;
  /** It takes inputs from now on. */
  onReady(container: HostedContainer): void;
  /** It takes no more inputs. */
  onClosing(container: HostedContainer): void;
  /** It has ended, and its inputs are settled. */
  onEnded(container: HostedContainer): void;
  onStateChange(): void;
  /** A place was taken, or got free. */
  onLoadChange(freed: boolean): void;
  /** Places disappeared: more inputs may be asked for than fit. */
  onPlacesLost(container: HostedContainer): void;
}
