import {
  type AppRecord,
  type AutoscalerRecord,
  type ContainerStatus,
  type DemandMessage,
  type FunctionRecord,
  isShellPool,
  newId,
  type PoolRecord,
  type WorkerStatus,
} from '@gantry/protocol';

import { Fleet, type FleetChange } from './fleet.ts';
import { isLeader } from './fleet-container.ts';
import type { BacklogCount } from './pool-state.ts';
import { Pools } from './pools.ts';
import { Room } from './room.ts';
import { type Action, Round, type RoundParts } from './round.ts';
import { WaitingLine } from './waiting-line.ts';

export interface SchedulerOptions {
  /** Names new containers. @defaultValue random ids */
  newContainerId?: () => string;
  /**
   * Until then not all workers have reported: containers are started for work that waits, but neither to
   * reach a minimum nor to replace an old version, and that no worker is known is not reported.
   */
  settlesAtMs?: number;
}

/** Of the pools that wait for room, how many are asked at once when some gets free. */
const ASKED_WHEN_ROOM_IS_FREE = 16;

/**
 * Decides which containers run where. Pure: it is told what happens, and answers what should be done.
 *
 * Invariants
 *   D1. Of one version of a function's pool, no more containers serve than `maxContainers`.
 *   D2. Nothing is stopped below `minContainers` while the function is live.
 *   D3. A container is asked for at most once; what was asked for counts until its worker reports it, refuses
 *       it, or stays silent for 5 s.
 *   D4. An old version keeps serving until a container of the current version is ready, unless it is idle and
 *       its room is needed by another pool. Only where no machine has room for both versions, and nobody idle
 *       can give way, one old container at a time ends before; what it would have done waits in the queue.
 *   D5. A pool that needs a container and finds no room gets that of idle containers of other pools, but of
 *       none that they need themselves. Pools without any container come first, the one that waits longest
 *       before the others.
 *   D6. After containers that failed the next ones wait, longer each time (see {@link CrashHistory}).
 *   D7. A decision costs what happened since the last one, not what there is: only pools that something happened
 *       to, or whose time has come, are looked at.
 */
export class Scheduler {
  readonly #room = new Room();
  readonly #pools = new Pools();
  readonly #fleet = new Fleet({
    room: this.#room,
    needOf: (pool, functionId) => this.#pools.needOf(pool, functionId),
  });
  readonly #line = new WaitingLine();
  readonly #ephemeralApps = new Set<string>();
  readonly #parts: RoundParts;
  readonly #settlesAtMs: number;
  #isSettled = false;

  constructor(options: SchedulerOptions = {}) {
    this.#settlesAtMs = options.settlesAtMs ?? 0;
    this.#parts = {
      fleet: this.#fleet,
      room: this.#room,
      pools: this.#pools,
      line: this.#line,
      newContainerId: options.newContainerId ?? (() => newId('ta')),
      isEphemeral: (appId) => this.#ephemeralApps.has(appId),
    };
  }

  observeApp(app: Pick<AppRecord, 'id' | 'state'>): void {
    if (app.state === 'ephemeral' || app.state === 'detached') this.#ephemeralApps.add(app.id);
    else this.#ephemeralApps.delete(app.id);
  }

  /** A function is new, changed, or (`record` undefined) gone. */
  observeFunction(functionId: string, record: FunctionRecord | undefined): void {
    const before = this.#pools.functionOf(functionId);
    for (const pool of this.#pools.ofFunction(functionId)) {
      if (!record || record.stopped) pool.forgetWork();
      if (before?.version !== record?.version) pool.crashes.forget();
    }
    this.#pools.setFunction(functionId, record);
    if (record) this.#keepPools(record);
  }

  /** A pool of a class with parameters, remembered from earlier. */
  observePool({ pool, functionId, parameters, options }: PoolRecord): void {
    const state = this.#pools.of(pool, functionId);
    state.identify(parameters, options);
    this.#pools.touch(state);
  }

  /** Live settings are new, changed, or (`live` undefined) gone. */
  observeAutoscaler(
    { functionId, pool }: { functionId: string; pool: string },
    live: AutoscalerRecord | undefined,
  ): void {
    this.#pools.setLive(functionId, pool, live);
    const record = this.#pools.functionOf(functionId);
    if (record) this.#keepPools(record);
  }

  // Pools that are to have containers whatever happens are known from the start.
  #keepPools({ id, version, spec }: FunctionRecord): void {
    const keepsContainers = (spec.options.minContainers ?? 0) > 0 && spec.parameters.length === 0;
    if (keepsContainers) this.#pools.touch(this.#pools.of(id, id));
    for (const live of this.#pools.liveOf(id)) {
      if (live.version !== version) continue;
      const isWholeClass = live.pool === id && spec.parameters.length > 0;
      if (isWholeClass || (live.settings.minContainers ?? 0) === 0) continue;
      this.observePool(live);
    }
  }

  observeWorker(status: WorkerStatus, nowMs: number): void {
    for (const change of this.#fleet.observe(status, nowMs)) this.#onContainerChange(change, nowMs);
    for (const container of status.containers) {
      const { running, proven, pool, functionId } = container;
      if (isShellPool(pool)) continue;
      if (running > 0) this.#pools.of(pool, functionId).lastActiveMs = nowMs;
      // One that ended said so when it did: others may have crashed since.
      if (proven && container.state !== 'stopped' && isLeader(container)) this.#onProven(container);
    }
  }

  observeDemand(message: DemandMessage, nowMs: number): void {
    const state = this.#pools.of(message.pool, message.functionId);
    state.announce(message, nowMs);
    this.#pools.touch(state);
  }

  /** The answer for a pool that {@link poolsToLookAt} named, or one found at take-over. */
  observeBacklog(pool: { pool: string; functionId: string }, backlog: BacklogCount, nowMs: number): void {
    const state = this.#pools.of(pool.pool, pool.functionId);
    state.observeBacklog(backlog, nowMs);
    this.#pools.touch(state);
  }

  /** The queue could not be asked about a pool. */
  missBacklog(pool: string): void {
    const state = this.#pools.get(pool);
    state?.endLook();
    if (state) this.#pools.track(state);
  }

  /** A worker refused to start a container, or did not answer. */
  observeRefusal(containerId: string, nowMs: number): void {
    const refused = this.#fleet.refuse(containerId, nowMs);
    if (refused) this.#pools.touch(this.#pools.of(refused.pool, refused.functionId));
  }

  /** The waiting inputs of a pool were answered and dropped. */
  observeInputsFailed(pool: string): void {
    const state = this.#pools.get(pool);
    state?.forgetWork();
    if (state) this.#pools.touch(state);
  }

  /** Pools whose backlog should be asked for now. Each is named at most every 250 ms, and only while in use. */
  poolsToLookAt(nowMs: number): { pool: string; functionId: string }[] {
    return this.#pools.takeLooks(nowMs).map(({ pool, functionId }) => ({ pool, functionId }));
  }

  /** True while some pool has work: then it is worth deciding more often than once a second. */
  get isBusy(): boolean {
    return this.#pools.isBusy;
  }

  /** True while there is more to decide than one round takes: then the next round is due at once. */
  get isBehind(): boolean {
    return this.#pools.hasTouched;
  }

  decide(nowMs: number): Action[] {
    this.#expire(nowMs);
    if (!this.#isSettled && nowMs >= this.#settlesAtMs) {
      this.#isSettled = true;
      this.#pools.touchAll();
    }
    const { hasGained, promisedTo } = this.#room.takeGains();
    for (const pool of promisedTo) this.#touch(pool);
    if (hasGained) for (const state of this.#line.heads(ASKED_WHEN_ROOM_IS_FREE)) this.#pools.touch(state);
    return new Round(this.#parts, { nowMs, isSettled: this.#isSettled }).run();
  }

  #expire(nowMs: number): void {
    const { lost, unanswered } = this.#fleet.expire(nowMs);
    for (const { pool } of lost) {
      this.#pools.get(pool)?.suspectLoss();
      this.#touch(pool);
    }
    for (const { pool } of unanswered) this.#touch(pool);
  }

  #touch(pool: string): void {
    const state = this.#pools.get(pool);
    if (state) this.#pools.touch(state);
  }

  #onContainerChange(change: FleetChange, nowMs: number): void {
    const { type, status, requestedAtMs } = change;
    // It takes room, and that is all.
    if (isShellPool(change.pool)) return;
    const state = this.#pools.of(change.pool, change.functionId);
    this.#pools.touch(state);
    if (type === 'vanished' || (type === 'ended' && status?.exit?.reason !== 'stopped')) state.suspectLoss();
    // The end of a gang, for whatever rank, is that of its leader.
    if (!status || !isLeader(status) || !this.#isCurrent(status)) return;
    if (type === 'ready') state.crashes.observeReady();
    else if (type === 'ended') state.crashes.observeEnd(status, requestedAtMs, nowMs);
  }

  #onProven(container: ContainerStatus): void {
    const state = this.#pools.get(container.pool);
    if (!state?.crashes.hasFailures || !this.#isCurrent(container)) return;
    state.crashes.observeProven();
    this.#pools.touch(state);
  }

  #isCurrent({ functionId, version }: ContainerStatus): boolean {
    return this.#pools.functionOf(functionId)?.version === version;
  }
}
