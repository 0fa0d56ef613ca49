import {
  type AutoscalerRecord,
  ContainerError,
  type DemandMessage,
  type Outcome,
  type PoolRecord,
  registryKeys,
  subjects,
  toWireError,
  type UnplaceableMessage,
  WORKER_HEARTBEAT_MS,
  type WorkerCommand,
  type WorkerReply,
} from '@gantry/protocol';
import { type Action, Scheduler } from '@gantry/scheduling';

import type { SchedulerLoopOptions } from './scheduler-loop.ts';
import { unplaceableReason } from './unplaceable-reason.ts';

const TICK_MS = 1_000;
const BUSY_TICK_MS = 50;
const SURVEY_EVERY_MS = 10_000;
const COMMAND_TIMEOUT_MS = 3_000;
const SETTLE_SLACK_MS = 300;
const FUNCTION_ID_LENGTH = 25;

type ActionOf<TType extends Action['type']> = Extract<Action, { type: TType }>;

/**
 * One term of leadership: feeds the scheduler with what happens and does what it decides.
 *
 * Everything is event-driven (demand, reports of workers, changes of functions); a tick each second catches
 * what needs only time to pass, and one each 50 ms runs while some pool has work.
 */
export class SchedulerTerm {
  readonly #options: SchedulerLoopOptions;
  readonly #scheduler: Scheduler;
  readonly #subscriptions: { stop(): void }[];
  readonly #autoscalers: Promise<{ stop(): void }>;
  readonly #tick: NodeJS.Timeout;
  #busyTick: NodeJS.Timeout | undefined;
  /** Pools whose parameters this term has read. */
  readonly #recordedPools = new Set<string>();
  #surveyedAtMs = 0;
  #roundDue = false;
  #ended = false;

  constructor(options: SchedulerLoopOptions) {
    this.#options = options;
    const { messaging, functions, apps, workers } = options;
    const settlesAtMs = workers.sinceMs + WORKER_HEARTBEAT_MS + SETTLE_SLACK_MS;
    this.#scheduler = new Scheduler({ settlesAtMs });
    for (const status of workers.statuses()) this.#scheduler.observeWorker(status, Date.now());
    this.#subscriptions = [
      apps.onChange((app) => this.#scheduler.observeApp(app)),
      functions.onChange(({ functionId, record }) => {
        this.#scheduler.observeFunction(functionId, record);
        this.#wake();
      }),
      workers.onStatus((status) => {
        this.#scheduler.observeWorker(status, Date.now());
        this.#wake();
      }),
      messaging.subscribe<DemandMessage>(subjects.demand, (demand) => {
        this.#scheduler.observeDemand(demand, Date.now());
        this.#wake();
      }),
    ];
    this.#autoscalers = messaging.registry.watch<AutoscalerRecord>(
      registryKeys.allAutoscalers,
      ({ key, value }) => {
        const [, functionId = '', pool = ''] = key.split('.');
        this.#scheduler.observeAutoscaler({ functionId, pool }, value);
        this.#wake();
      },
    );
    this.#autoscalers.catch((err: unknown) => options.log.error({ err }, 'live settings cannot be read'));
    workers.ask();
    this.#tick = setInterval(() => this.#wake(), TICK_MS);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    clearInterval(this.#tick);
    clearTimeout(this.#busyTick);
    for (const subscription of this.#subscriptions) subscription.stop();
    void this.#autoscalers.then(
      (watch) => watch.stop(),
      () => undefined,
    );
  }

  // Everything that arrives in one turn of the event loop is decided on once.
  #wake(): void {
    if (this.#roundDue || this.#ended) return;
    this.#roundDue = true;
    setImmediate(() => {
      this.#roundDue = false;
      this.#round();
    });
  }

  #round(): void {
    const fence = this.#options.leadership.fence;
    if (this.#ended || fence === undefined) return;
    const nowMs = Date.now();
    if (nowMs - this.#surveyedAtMs >= SURVEY_EVERY_MS) this.#survey(nowMs);
    for (const pool of this.#scheduler.poolsToLookAt(nowMs)) void this.#look(pool);
    for (const action of this.#scheduler.decide(nowMs)) this.#perform(action, fence);
    if (this.#scheduler.isBehind) this.#wake();
    if (!this.#scheduler.isBusy || this.#busyTick) return;
    this.#busyTick = setTimeout(() => {
      this.#busyTick = undefined;
      this.#wake();
    }, BUSY_TICK_MS);
  }

  async #look(pool: { pool: string; functionId: string }): Promise<void> {
    try {
      const backlog = await this.#options.messaging.inputs.backlog(pool.pool);
      this.#scheduler.observeBacklog(pool, backlog, Date.now());
    } catch (err) {
      this.#scheduler.missBacklog(pool.pool);
      this.#options.log.warn({ err, pool: pool.pool }, 'a backlog could not be read');
    }
    this.#wake();
  }

  // Finds work that nobody announced to this term: from before it, or whose announcement was lost. Containers of an
  // older version can only be replaced where the parameters of their pool are known.
  #survey(nowMs: number): void {
    this.#surveyedAtMs = nowMs;
    this.#surveyPools().catch((err: unknown) =>
      this.#options.log.warn({ err }, 'pools could not be surveyed'),
    );
  }

  async #surveyPools(): Promise<void> {
    const { inputs, registry } = this.#options.messaging;
    const found = await inputs.backlogs();
    const seen = [...found, ...this.#options.workers.containers().map(({ container }) => container)];
    if (this.#ended || seen.length === 0) return;
    if (seen.some(({ pool }) => pool.length > FUNCTION_ID_LENGTH && !this.#recordedPools.has(pool))) {
      for (const { value } of await registry.list<PoolRecord>(registryKeys.allPools)) {
        this.#recordedPools.add(value.pool);
        this.#scheduler.observePool(value);
      }
    }
    for (const { pool, backlog } of found) {
      const functionId = pool.slice(0, FUNCTION_ID_LENGTH);
      this.#scheduler.observeBacklog({ pool, functionId }, backlog, Date.now());
    }
    this.#wake();
  }

  #perform(action: Action, fence: number): void {
    switch (action.type) {
      case 'start':
        void this.#start(action, fence);
        return;
      case 'stop':
        void this.#stop(action, fence);
        return;
      case 'kill':
        void this.#kill(action);
        return;
      case 'failInputs':
        void this.#failInputs(action);
        return;
      case 'crashLoop':
        this.#options.systemLog.write(action.record, 'function.crashes', crashLoopText(action));
        return;
      case 'unplaceable':
        this.#tellUnplaceable(action);
    }
  }

  #tellUnplaceable(action: ActionOf<'unplaceable'>): void {
    const { systemLog, messaging, workers } = this.#options;
    const { record } = action;
    const reason = unplaceableReason(action, workers.statuses());
    systemLog.write(
      record,
      'function.unplaceable',
      `inputs of "${record.spec.name}" wait for a machine: ${reason}`,
    );
    const message: UnplaceableMessage = { functionId: record.id, reason, atMs: Date.now() };
    messaging.publish(subjects.unplaceable, message);
  }

  async #start({ type, workerId, ...start }: ActionOf<'start'>, fence: number): Promise<void> {
    const refusal = await this.#command(workerId, { type, fence, ...start });
    if (refusal === undefined) return;
    const { containerId } = start;
    this.#options.log.warn({ workerId, containerId, refusal }, 'a container was not started');
    this.#scheduler.observeRefusal(containerId, Date.now());
    this.#wake();
  }

  async #stop({ workerId, containerId, reason }: ActionOf<'stop'>, fence: number): Promise<void> {
    const refusal = await this.#command(workerId, { type: 'stop', fence, containerId, reason });
    // Repeated by the scheduler while the worker still reports the container.
    if (refusal !== undefined)
      this.#options.log.debug({ workerId, containerId, refusal }, 'a stop was not taken');
  }

  async #kill({ workerId, containerId, reason }: ActionOf<'kill'>): Promise<void> {
    const refusal = await this.#command(workerId, { type: 'kill', containerId, reason });
    // As a stop.
    if (refusal !== undefined)
      this.#options.log.debug({ workerId, containerId, refusal }, 'a kill was not taken');
  }

  /** Sends a command; returns why it was not carried out, or undefined. */
  async #command(workerId: string, command: WorkerCommand): Promise<string | undefined> {
    try {
      const timeoutMs = COMMAND_TIMEOUT_MS;
      const reply = await this.#options.messaging.request<WorkerReply>(subjects.worker(workerId), command, {
        timeoutMs,
      });
      return reply.ok ? undefined : (reply.message ?? 'refused');
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #failInputs({ pool, record, failures, message, error }: ActionOf<'failInputs'>): Promise<void> {
    const { name } = record.spec;
    this.#options.systemLog.write(
      record,
      'function.crashes',
      `"${name}" did not load ${failures} times in a row: what waits for it fails`,
    );
    const failure = new ContainerError(`"${name}" cannot start: ${message}`, {
      hint: 'Correct the code that runs while the container loads. The log of the app has the stack.',
    });
    const outcome: Outcome = error
      ? { type: 'error', error, stack: message }
      : { type: 'failure', failure: toWireError(failure) };
    try {
      await this.#options.failed.failAll(pool, outcome);
      this.#scheduler.observeInputsFailed(pool);
    } catch (err) {
      this.#options.log.warn({ err, pool }, 'waiting inputs could not be answered');
    }
  }
}

function crashLoopText({ record, loop }: ActionOf<'crashLoop'>): string {
  const [firstLine = ''] = loop.message.split('\n');
  const pauseS = Math.max(0, Math.round((loop.nextStartAtMs - Date.now()) / 1000));
  return `"${record.spec.name}" is crash-looping: ${loop.failures} containers in a row failed, the next one starts in ${pauseS} s. The last one: ${firstLine}`;
}
