import type { InputDelivery, Messaging, PoolPull } from '@gantry/messaging';
import {
  type ContainerStatus,
  encodeValue,
  newId,
  type Outcome,
  shellPool,
  subjects,
  type WorkerCommand,
  type WorkerReply,
  type WorkerStatus,
} from '@gantry/protocol';

/** What a container of the fake worker does with an input; undefined leaves it unanswered. */
export type Handler = (delivery: InputDelivery) => Outcome | undefined;

type Started = Extract<WorkerCommand, { type: 'start' }>;

const ECHO: Handler = ({ message }) => ({ type: 'value', value: message.args });

/** Speaks a worker's part over NATS, without containers: starts succeed at once, inputs are answered in place. */
export class FakeWorker {
  readonly workerId = newId('wk');
  readonly containers = new Map<string, ContainerStatus>();
  readonly commands: WorkerCommand[] = [];
  handler: Handler = ECHO;
  /** Its containers have images; reported from the next status on. */
  hasImages = false;
  /** When set, containers fail to load with this error. */
  loadFailure: Error | undefined;
  readonly #messaging: Messaging;
  readonly #pulls = new Map<string, PoolPull>();
  readonly #responder: { stop(): void };
  readonly #asks: { stop(): void };
  readonly #timer: NodeJS.Timeout;

  constructor(messaging: Messaging) {
    this.#messaging = messaging;
    this.#responder = messaging.respond<WorkerCommand, WorkerReply>(
      subjects.worker(this.workerId),
      async (command) => this.#obey(command),
    );
    this.#asks = messaging.subscribe(subjects.workerAsk, () => this.report());
    this.#timer = setInterval(() => this.report(), 1_000);
    this.report();
  }

  report(): void {
    const status: WorkerStatus = {
      workerId: this.workerId,
      hostname: 'fake',
      startedAtMs: 1,
      draining: false,
      capacity: { cpu: 8, memoryMiB: 16_384 },
      driver: { name: 'process', images: this.hasImages, nodeVersion: '24.1.0' },
      containers: [...this.containers.values()],
    };
    this.#messaging.publish(subjects.workerStatus, status);
    for (const [id, { state }] of this.containers) if (state === 'stopped') this.containers.delete(id);
  }

  /** Ends the heartbeats: reports come only when something changes, or when they are asked for. */
  silence(): void {
    clearInterval(this.#timer);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#responder.stop();
    this.#asks.stop();
    for (const pull of this.#pulls.values()) pull.close();
  }

  #obey(command: WorkerCommand): WorkerReply {
    this.commands.push(command);
    if (command.type === 'start') this.#start(command);
    else if (command.type === 'shell') this.#startShell(command);
    else if (command.type !== 'exec' || !this.containers.has(command.containerId)) {
      const container = this.containers.get(command.containerId);
      if (!container) return { ok: false, message: 'no such container' };
      this.#pulls.get(command.containerId)?.close();
      container.state = 'stopped';
      container.exit = { reason: 'stopped', code: 0, signal: null };
    }
    this.report();
    return { ok: true };
  }

  #startShell({ containerId, record }: Extract<WorkerCommand, { type: 'shell' }>): void {
    const pool = shellPool(record.id, containerId);
    const status = { ...statusOf({ containerId, pool, record }), running: 1, idleSinceMs: undefined };
    this.containers.set(containerId, status);
  }

  #start({ containerId, pool, record }: Started): void {
    const status = statusOf({ containerId, pool, record });
    this.containers.set(containerId, status);
    if (this.loadFailure !== undefined) {
      status.state = 'stopped';
      status.readyAtMs = undefined;
      const { message } = this.loadFailure;
      const error = encodeValue(this.loadFailure);
      status.exit = { reason: 'loadFailed', code: 1, signal: null, message, error };
      return;
    }
    const pull = this.#messaging.inputs.openPull(pool, (delivery) => {
      const outcome = this.handler(delivery);
      if (!outcome) return;
      const { inputId, callId, index, attempt } = delivery.message;
      const times = { startedAtMs: Date.now(), finishedAtMs: Date.now() };
      void this.#messaging.outputs
        .store({ inputId, callId, index, outcome, attempt, containerId, ...times })
        .then(() => delivery.ack());
      pull.ask(1);
    });
    this.#pulls.set(containerId, pull);
    pull.ask(1);
  }
}

function statusOf({
  containerId,
  pool,
  record,
}: Pick<Started, 'containerId' | 'pool' | 'record'>): ContainerStatus {
  return {
    containerId,
    pool,
    functionId: record.id,
    appId: record.appId,
    version: record.version,
    state: 'ready',
    running: 0,
    maxInputs: 1,
    startedAtMs: Date.now(),
    readyAtMs: Date.now(),
    idleSinceMs: Date.now(),
    httpSocketPath: '',
  };
}
