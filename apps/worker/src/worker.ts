import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import type { BlobStore } from '@gantry/blobs';
import type { ContainerDriver } from '@gantry/containers';
import { type EnvironmentDirectory, FunctionDirectory, type Messaging } from '@gantry/messaging';
import {
  shellPool,
  subjects,
  type CancelMessage,
  type CrashMessage,
  type Environments,
  type WorkerCommand,
  type WorkerDriver,
  type WorkerReply,
  type WorkerStatus,
  type WorkerToRunner,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';
import type { VolumeDirectory } from '@gantry/volumes';

import type { BundleStore } from './bundles/bundle-store.ts';
import type { ImageStore } from './images/image-store.ts';
import type { Clock } from './clock.ts';
import { ContainerChecks } from './containers/container-checks.ts';
import { ContainerCalls } from './containers/container-calls.ts';
import type { ContainerIdentity } from './containers/container-identity.ts';
import type { ContainerSecrets } from './containers/container-secrets.ts';
import type { WorkerTables } from './containers/container-tables.ts';
import { ContainerTunnels } from './containers/container-tunnels.ts';
import { connectGateway } from './containers/gateway-connection.ts';
import { HostedContainer } from './containers/hosted-container.ts';
import type { ContainerOrder } from './containers/load-message.ts';
import { Execs } from './execs/execs.ts';
import { CancelledCalls } from './inputs/cancelled-calls.ts';
import { CrashedInputs } from './inputs/crashed-inputs.ts';
import { InputSettlement } from './inputs/input-settlement.ts';
import { InputWatch } from './inputs/input-watch.ts';
import { Payloads } from './inputs/payloads.ts';
import { PoolFeed } from './inputs/pool-feed.ts';
import { QueueTrim } from './inputs/queue-trim.ts';
import { ValueStreams } from './inputs/value-streams.ts';
import { LogForwarder } from './logs/log-forwarder.ts';
import type { LocalMachine } from './machine/local-machine.ts';
import { ObjectRequests } from './volumes/object-requests.ts';
import type { PrivateNetwork } from './private-network/private-network.ts';
import type { WorkerBuckets } from './buckets/worker-buckets.ts';
import type { WorkerVolumes } from './volumes/worker-volumes.ts';
import { openGang, startedAs } from './gangs/open-gang.ts';
import { withinBudget } from './exit-budget.ts';
import { StatusReporter } from './status-reporter.ts';

/** How long the end of a container stays in the status, so that nobody misses it. */
const ENDED_SHOWN_MS = 10_000;
/** How long the last outputs, and what containers took up, may take to be stored when the worker stops. */
const STORE_GRACE_MS = 5_000;

export interface WorkerParts {
  workerId: string;
  machine: Pick<LocalMachine, 'capacity' | 'labels' | 'environment' | 'gpuUse' | 'close'>;
  messaging: Messaging;
  blobs: BlobStore;
  driver: ContainerDriver;
  /** Of containers without an image of their own. */
  nodeVersion: string;
  /** What the driver cannot do that it was to. */
  limitation?: WorkerDriver['limitation'];
  bundles: BundleStore;
  images: Pick<ImageStore, 'open' | 'clean'>;
  secrets: Pick<ContainerSecrets, 'open'>;
  identity: Pick<ContainerIdentity, 'tokenFor' | 'renew'>;
  environments: Environments & Pick<EnvironmentDirectory, 'close'>;
  volumes: Pick<WorkerVolumes, 'start' | 'open' | 'close'>;
  tables: WorkerTables;
  buckets: Pick<WorkerBuckets, 'start' | 'open' | 'close'>;
  privateNetwork: PrivateNetwork;
  volumeDirectory: VolumeDirectory;
  clock: Clock;
  /** How long exit hooks, and code that is preempted, may take. */
  exitGraceMs: number;
  /** How long the event loop of a container may stand still. */
  silenceMs: number;
  log: Logger;
}

/**
 * Runs containers at the scheduler's command and feeds them with inputs from the queue.
 *
 * Invariants
 *   K1. A command with a fence below one seen before is refused: its sender is no longer the scheduler.
 *   K2. Inputs flow without the scheduler: while a container is ready, its pool is pulled.
 */
export class Worker {
  readonly #parts: WorkerParts;
  readonly #startedAtMs: number;
  readonly #containers = new Map<string, HostedContainer>();
  readonly #feeds = new Map<string, PoolFeed>();
  readonly #payloads: Payloads;
  readonly #cancelled: CancelledCalls;
  readonly #crashes: CrashedInputs;
  readonly #watch: InputWatch;
  readonly #settlement: InputSettlement;
  readonly #trim: QueueTrim;
  readonly #streams: ValueStreams;
  readonly #logs: LogForwarder;
  readonly #execs: Execs;
  readonly #reporter = new StatusReporter(() => this.#publishStatus());
  readonly #checks: ContainerChecks;
  readonly #subscriptions: { stop(): void }[] = [];
  #directory: Promise<FunctionDirectory> | undefined;
  #highestFence = 0;
  #draining = false;

  constructor(parts: WorkerParts) {
    const { messaging, blobs, clock, log } = parts;
    this.#parts = parts;
    this.#startedAtMs = clock.wallMs();
    this.#payloads = new Payloads(blobs);
    this.#cancelled = new CancelledCalls(clock);
    this.#crashes = new CrashedInputs(clock, (inputId) => this.#tellOfCrash(inputId));
    this.#logs = new LogForwarder(messaging.logs, log);
    this.#execs = new Execs(messaging);
    const containers = () => this.#containers.values();
    this.#checks = new ContainerChecks({ ...parts, containers, usage: messaging.usage });
    this.#watch = new InputWatch({
      clock,
      onOverdue: (input, nowMs) => this.#holderOf(input)?.overdue(input, nowMs),
      onLost: (input) => {
        const { inputId } = input.message;
        log.warn(
          { inputId },
          'the lease of an input ended while this worker was paused or cut off; its result will not count',
        );
        this.#holderOf(input)?.leaseLost();
      },
      // It runs again elsewhere; here it would hold its place until its timeout.
      onForlorn: (input) => this.#holderOf(input)?.cancel(input),
      onSweep: (nowMs) => this.#feeds.forEach((feed) => feed.sweep(nowMs)),
    });
    const { inputs, outputs } = messaging;
    this.#trim = new QueueTrim(inputs, log);
    this.#streams = new ValueStreams({
      ...{ workerId: parts.workerId, messaging, payloads: this.#payloads, clock },
      onAbandoned: (callId) => this.#cancel({ callId, terminateContainers: false }),
    });
    const onAcknowledged = (pool: string) => this.#trim.acknowledged(pool);
    this.#settlement = new InputSettlement({
      ...{ inputs, outputs, payloads: this.#payloads, watch: this.#watch, clock, log, onAcknowledged },
      ...{ cancelled: this.#cancelled, crashes: this.#crashes },
    });
  }

  /** Ends what a predecessor left behind, then listens for commands and reports. */
  async start(): Promise<void> {
    const { driver, bundles, images, clock, messaging, workerId, log } = this.#parts;
    const orphans = await driver.reconcile();
    if (orphans > 0) log.warn({ orphans }, 'ended the containers of a worker that was killed');
    await this.#parts.volumes.start();
    await this.#parts.buckets.start();
    await images.clean();
    await bundles.removeStale(clock.wallMs()).catch((err: unknown) => {
      log.warn({ err }, 'old bundles could not be removed');
    });
    this.#subscriptions.push(
      messaging.respond<WorkerCommand, WorkerReply>(subjects.worker(workerId), async (command) =>
        command.type === 'connect' ? await this.#connect(command) : this.obey(command),
      ),
      messaging.subscribe<CancelMessage>(subjects.cancel, (message) => this.#cancel(message)),
      messaging.subscribe<CrashMessage>(subjects.crash, ({ inputId, from }) => {
        if (from !== workerId) this.#crashes.add(inputId);
      }),
      messaging.subscribe(subjects.workerAsk, () => this.#reporter.stateChanged()),
    );
    messaging.onReconnect(() => this.#reporter.stateChanged());
    this.#streams.start();
    this.#checks.start();
    this.#reporter.start();
    // Whoever is told that the worker runs can command it.
    await messaging.flush();
  }

  /** Carries out a command, or says why not. */
  obey(command: Exclude<WorkerCommand, { type: 'connect' }>): WorkerReply {
    if ('fence' in command) {
      if (command.fence < this.#highestFence) {
        return { ok: false, message: `fence ${command.fence} is older than ${this.#highestFence}` };
      }
      this.#highestFence = command.fence;
    }
    if (command.type === 'start') return this.#startContainer(command);
    if (command.type === 'shell') return this.#startShell(command);
    const container = this.#containers.get(command.containerId);
    if (!container) return { ok: false, message: `no container "${command.containerId}" on this worker` };
    switch (command.type) {
      case 'kill':
        container.kill('killed', command.reason);
        break;
      case 'preempt':
        container.preempt(command.reason);
        break;
      case 'stop':
        container.stop(command.reason);
        break;
      case 'exec':
        this.#execs.run(container, command);
    }
    return { ok: true };
  }

  async #connect({ containerId, pipeId }: Extract<WorkerCommand, { type: 'connect' }>): Promise<WorkerReply> {
    const socketPath = this.#containers.get(containerId)?.status.httpSocketPath ?? '';
    if (socketPath === '') return { ok: false, message: `container "${containerId}" does not listen` };
    await connectGateway(this.#parts.messaging, { pipeId, socketPath });
    return { ok: true };
  }

  /** Preempts all containers, and ends everything else. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#reporter.publishNow();
    for (const container of this.#containers.values()) container.preempt('the worker shuts down');
    await Promise.all([...this.#containers.values()].map((container) => container.ended));
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#streams.close();
    const stored = Promise.all([this.#settlement.idle(), this.#checks.stop()]);
    await Promise.race([stored, delay(STORE_GRACE_MS, undefined, { ref: false })]);
    await this.#logs.flush();
    this.#reporter.publishNow();
    this.#reporter.stop();
    this.#watch.close();
    await this.#trim.close();
    if (this.#directory) (await this.#directory.catch(() => undefined))?.close();
    await this.#parts.environments.close();
    this.#parts.machine.close();
    await this.#parts.driver.close();
    await this.#parts.privateNetwork.close();
    await this.#parts.volumes.close();
    await this.#parts.tables.close();
    await this.#parts.buckets.close();
    await this.#parts.messaging.close();
  }

  get status(): WorkerStatus {
    const { workerId, machine, nodeVersion, limitation } = this.#parts;
    const { name, images, isolation, privateNetwork } = this.#parts.driver.capabilities;
    return {
      workerId,
      hostname: hostname(),
      startedAtMs: this.#startedAtMs,
      draining: this.#draining,
      capacity: machine.capacity,
      labels: machine.labels,
      driver: { name, images, isolation, privateNetwork, nodeVersion, ...(limitation && { limitation }) },
      containers: withinBudget(Array.from(this.#containers.values(), (container) => container.status)),
      gpuUse: machine.gpuUse,
    };
  }

  #publishStatus(): void {
    this.#parts.messaging.publish(subjects.workerStatus, this.status);
  }

  #startContainer(order: ContainerOrder): WorkerReply {
    if (this.#draining) return { ok: false, message: 'this worker shuts down' };
    // The answer to the first command was lost.
    if (this.#containers.has(order.containerId)) return { ok: true };
    const container = this.#createContainer(startedAs(order));
    this.#containers.set(order.containerId, container);
    this.#checks.began(container);
    if (!order.isShell) this.#ensurePool(order.pool);
    void container.start();
    this.#reporter.stateChanged();
    return { ok: true };
  }

  #startShell({ type: _type, ...order }: Extract<WorkerCommand, { type: 'shell' }>): WorkerReply {
    const { containerId, record } = order;
    const pool = shellPool(record.id, containerId);
    const reply = this.#startContainer({ ...order, pool, parameters: {}, isShell: true });
    const container = this.#containers.get(containerId);
    if (container) this.#execs.expectShell(container);
    return reply;
  }

  // Made in time for the first pull; if that fails, the pull makes it.
  #ensurePool(pool: string): void {
    this.#parts.messaging.inputs.ensurePool(pool).catch((err: unknown) => {
      this.#parts.log.warn({ err, pool }, 'the consumer of a pool could not be made');
    });
  }

  #createContainer(order: ContainerOrder): HostedContainer {
    const { messaging, workerId } = this.#parts;
    const { containerId, gang: place, record } = order;
    const { appId, spec } = record;
    const gang = place && openGang({ place, messaging, payloads: this.#payloads, host: () => container });
    const container: HostedContainer = new HostedContainer(order, {
      ...this.#parts,
      watch: this.#watch,
      settlement: this.#settlement,
      payloads: this.#payloads,
      gang,
      ...gang?.inputs,
      streams: this.#streams,
      crashes: this.#crashes,
      containerLog: this.#logs.open({ appId, containerId, functionName: spec.name, rank: place?.rank }),
      openObjects: () =>
        new ObjectRequests({
          volumes: this.#parts.volumeDirectory,
          environment: record.environment,
          isRestricted: spec.options.restrictAccess ?? false,
        }),
      openCalls: (send) => this.#openCalls(order, send),
      openTunnels: (httpSocketPath) =>
        ContainerTunnels.of(order, {
          ...{ messaging, workerId, httpSocketPath, onChange: () => this.#reporter.stateChanged() },
        }),
      onReady: (container) => {
        if (!order.isShell && gang?.follows !== true) this.#feed(order.pool).add(container);
      },
      onClosing: (container) => this.#feeds.get(order.pool)?.remove(container),
      onEnded: (container) => {
        if (container.status.exit) gang?.ended(container.status.exit);
        this.#forget(container);
      },
      onStateChange: () => this.#reporter.stateChanged(),
      onPlacesLost: () => this.#feeds.get(order.pool)?.shrink(),
      onLoadChange: (freed) => {
        if (freed) this.#feeds.get(order.pool)?.balance();
        this.#reporter.loadChanged();
      },
    });
    return container;
  }

  #openCalls(order: ContainerOrder, send: (message: WorkerToRunner) => void): ContainerCalls {
    const { messaging, workerId, log } = this.#parts;
    return new ContainerCalls({
      ...{ messaging, workerId, log },
      payloads: this.#payloads,
      ...{ environment: order.record.environment, environments: this.#parts.environments },
      isRestricted: order.record.spec.options.restrictAccess ?? false,
      directory: () => this.#openDirectory(),
      send: (message) => send({ type: 'api', message }),
    });
  }

  #openDirectory(): Promise<FunctionDirectory> {
    if (!this.#directory) {
      this.#directory = FunctionDirectory.open(this.#parts.messaging);
      this.#directory.catch(() => (this.#directory = undefined));
    }
    return this.#directory;
  }

  #feed(pool: string): PoolFeed {
    let feed = this.#feeds.get(pool);
    if (!feed) {
      const { messaging, clock, log } = this.#parts;
      const { inputs, outputs } = messaging;
      const [watch, settlement, cancelled] = [this.#watch, this.#settlement, this.#cancelled];
      feed = new PoolFeed({ pool, inputs, outputs, watch, settlement, cancelled, clock, log });
      this.#feeds.set(pool, feed);
    }
    return feed;
  }

  #forget(container: HostedContainer): void {
    this.#checks.ended(container);
    this.#reporter.stateChanged();
    setTimeout(() => {
      this.#containers.delete(container.containerId);
      const others = [...this.#containers.values()];
      if (!others.some((other) => other.pool === container.pool)) this.#feeds.delete(container.pool);
    }, ENDED_SHOWN_MS).unref();
  }

  #cancel({ callId, terminateContainers }: CancelMessage): void {
    this.#cancelled.add(callId);
    for (const feed of this.#feeds.values()) feed.cancelHeld(callId);
    for (const input of [...this.#watch.ofCall(callId)]) {
      const holder = this.#holderOf(input);
      holder?.cancel(input);
      if (terminateContainers) holder?.kill('killed', `call ${callId} was cancelled with its containers`);
    }
  }

  #tellOfCrash(inputId: string): void {
    const { messaging, workerId } = this.#parts;
    const crash: CrashMessage = { inputId, from: workerId };
    messaging.publish(subjects.crash, crash);
  }

  #holderOf(input: Parameters<HostedContainer['has']>[0]): HostedContainer | undefined {
    if (!input.occupying) return undefined;
    for (const container of this.#containers.values()) if (container.has(input)) return container;
    return undefined;
  }
}
