import {
  type AppRecord,
  type AutoscalerRecord,
  type ClassParameters,
  type ContainerStatus,
  DEFAULTS,
  type DemandMessage,
  type FunctionRecord,
  newId,
  type PoolRecord,
  type WorkerStatus,
} from '@gantry/protocol';

import type { CrashLoop, LoadFailures } from './crash-history.ts';
import { effectiveRecord } from './effective-record.ts';
import { Fleet, type FleetChange, type FleetContainer, UNKNOWN_NEED } from './fleet.ts';
import { resourceNeed, type Resources } from './placement.ts';
import { missingContainers, wantedContainers } from './pool-demand.ts';
import { byUrgency, countOf, type PoolTurn, type Review, type Surplus } from './pool-review.ts';
import { type BacklogCount, PoolState } from './pool-state.ts';
import { type PoolId, RoomPlan } from './room-plan.ts';
import { containersToStop } from './scaling.ts';

/** What the scheduler wants done. */
export type Action =
  | {
      type: 'start';
      workerId: string;
      containerId: string;
      pool: string;
      parameters: ClassParameters;
      record: FunctionRecord;
    }
  | { type: 'stop'; workerId: string; containerId: string; reason: string }
  /** The pool's containers do not load: answer what waits. */
  | ({ type: 'failInputs'; pool: string; record: FunctionRecord } & LoadFailures)
  /** The pool's containers fail one after the other; the next one waits. */
  | { type: 'crashLoop'; pool: string; record: FunctionRecord; loop: CrashLoop }
  /** No machine has room for another container of the pool, nor can make any; or there is no machine. */
  | {
      type: 'unplaceable';
      pool: string;
      record: FunctionRecord;
      containers: number;
      reason: 'noRoom' | 'noWorker';
    };

export interface SchedulerOptions {
  /** Names new containers. @defaultValue random ids */
  newContainerId?: () => string;
  /**
   * Until then not all workers have reported: containers are started for work that waits, but neither to
   * reach a minimum nor to replace an old version, and that no worker is known is not reported.
   */
  settlesAtMs?: number;
}

/** So many containers of an ephemeral app may fail to load in a row; those of a deployed one are tried for ever. */
const LOAD_FAILURES = 3;
const UNPLACEABLE_EVERY_MS = 60_000;

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
 */
export class Scheduler {
  readonly #fleet = new Fleet();
  readonly #functions = new Map<string, FunctionRecord>();
  readonly #pools = new Map<string, PoolState>();
  /** Live settings, by pool; by function where they hold for all its pools. */
  readonly #live = new Map<string, AutoscalerRecord>();
  readonly #ephemeralApps = new Set<string>();
  readonly #newContainerId: () => string;
  readonly #settlesAtMs: number;

  constructor(options: SchedulerOptions = {}) {
    this.#newContainerId = options.newContainerId ?? (() => newId('ta'));
    this.#settlesAtMs = options.settlesAtMs ?? 0;
  }

  observeApp(app: Pick<AppRecord, 'id' | 'state'>): void {
    if (app.state === 'ephemeral' || app.state === 'detached') this.#ephemeralApps.add(app.id);
    else this.#ephemeralApps.delete(app.id);
  }

  /** A function is new, changed, or (`record` undefined) gone. */
  observeFunction(functionId: string, record: FunctionRecord | undefined): void {
    const before = this.#functions.get(functionId);
    if (record) this.#functions.set(functionId, record);
    else this.#functions.delete(functionId);
    for (const pool of this.#pools.values()) {
      if (pool.functionId !== functionId) continue;
      if (!record || record.stopped) pool.forgetWork();
      if (before?.version !== record?.version) pool.crashes.forget();
    }
    if (record) this.#keepPools(record);
  }

  /** A pool of a class with parameters, remembered from earlier. */
  observePool({ pool, functionId, parameters, options }: PoolRecord): void {
    const state = this.#poolOf(pool, functionId);
    state.parameters ??= parameters;
    state.options ??= options;
  }

  /** Live settings are new, changed, or (`live` undefined) gone. */
  observeAutoscaler(
    { functionId, pool }: { functionId: string; pool: string },
    live: AutoscalerRecord | undefined,
  ): void {
    if (live) this.#live.set(pool, live);
    else this.#live.delete(pool);
    const record = this.#functions.get(functionId);
    if (record) this.#keepPools(record);
  }

  // Pools that are to have containers whatever happens are known from the start.
  #keepPools({ id, version, spec }: FunctionRecord): void {
    const keepsContainers = (spec.options.minContainers ?? 0) > 0 && spec.parameters.length === 0;
    if (keepsContainers) this.#poolOf(id, id).parameters ??= {};
    for (const live of this.#live.values()) {
      if (live.functionId !== id || live.version !== version) continue;
      const isWholeClass = live.pool === id && spec.parameters.length > 0;
      if (isWholeClass || (live.settings.minContainers ?? 0) === 0) continue;
      this.observePool(live);
    }
  }

  observeWorker(status: WorkerStatus, nowMs: number): void {
    for (const change of this.#fleet.observe(status, nowMs)) this.#onContainerChange(change, nowMs);
    for (const container of status.containers) {
      if (container.running > 0) this.#poolOf(container.pool, container.functionId).lastActiveMs = nowMs;
      // One that ended said so when it did: others may have crashed since.
      if (container.proven && container.state !== 'stopped' && this.#isCurrent(container))
        this.#pools.get(container.pool)?.crashes.observeProven();
    }
  }

  observeDemand(message: DemandMessage, nowMs: number): void {
    this.#poolOf(message.pool, message.functionId).announce(message, nowMs);
  }

  /** The answer for a pool that {@link poolsToLookAt} named, or one found at take-over. */
  observeBacklog(pool: { pool: string; functionId: string }, backlog: BacklogCount, nowMs: number): void {
    this.#poolOf(pool.pool, pool.functionId).observeBacklog(backlog, nowMs);
  }

  /** The queue could not be asked about a pool. */
  missBacklog(pool: string): void {
    this.#pools.get(pool)?.endLook();
  }

  /** A worker refused to start a container, or did not answer. */
  observeRefusal(containerId: string, nowMs: number): void {
    this.#fleet.refuse(containerId, nowMs);
  }

  /** The waiting inputs of a pool were answered and dropped. */
  observeInputsFailed(pool: string): void {
    this.#pools.get(pool)?.forgetWork();
  }

  /** Pools whose backlog should be asked for now. Each is named at most every 250 ms, and only while in use. */
  poolsToLookAt(nowMs: number): { pool: string; functionId: string }[] {
    const due: { pool: string; functionId: string }[] = [];
    for (const state of this.#pools.values()) {
      if (state.startLook(nowMs)) due.push({ pool: state.pool, functionId: state.functionId });
    }
    return due;
  }

  /** True while some pool has work: then it is worth deciding more often than once a second. */
  get isBusy(): boolean {
    for (const state of this.#pools.values()) if (state.inUse) return true;
    return false;
  }

  decide(nowMs: number): Action[] {
    for (const { pool } of this.#fleet.expire(nowMs)) this.#pools.get(pool)?.suspectLoss();
    const containers = this.#fleet.containers(nowMs);
    const byPool = new Map<string, FleetContainer[]>();
    for (const container of containers) {
      this.#poolOf(container.pool, container.functionId);
      const own = byPool.get(container.pool);
      if (own) own.push(container);
      else byPool.set(container.pool, [container]);
    }
    const actions: Action[] = [];
    for (const stop of this.#fleet.unheardStops(nowMs)) {
      if (this.#fleet.noteStop(stop.containerId, nowMs))
        actions.push({ type: 'stop', ...stop, reason: 'repeated' });
    }
    const reviews: Review[] = [];
    for (const state of this.#pools.values()) {
      const review = this.#review({ state, own: byPool.get(state.pool) ?? [], actions, nowMs });
      if (review) reviews.push(review);
    }
    const plan = this.#planRoom(containers, reviews);
    for (const review of reviews.sort(byUrgency)) this.#startMissing(review, plan);
    return actions;
  }

  /** Stops what a pool has too much, and finds what it lacks. */
  #review(turn: PoolTurn): Review | undefined {
    const { state, own } = turn;
    const record = this.#recordOf(state);
    const serving = own.filter((container) => container.state !== 'draining');
    if (!record || record.stopped) {
      const reason = record ? 'its app was stopped' : 'its function was removed';
      for (const container of serving) this.#stop(turn, container, reason);
      if (own.length === 0) this.#pools.delete(state.pool);
      return undefined;
    }
    const { desired, needed } = wantedContainers(turn, serving, record);
    this.#reportCrashes(turn, record, serving);
    this.#stopSurplus(turn, { record, serving, desired });
    this.#forgetIdle(turn, desired);
    const left = serving.filter((container) => container.state !== 'draining');
    return { ...turn, record, serving: left, desired, needed };
  }

  #reportCrashes({ state, actions }: PoolTurn, record: FunctionRecord, serving: FleetContainer[]): void {
    const { pool, crashes } = state;
    const loop = crashes.takeLoop();
    if (loop) actions.push({ type: 'crashLoop', pool, record, loop });
    // While an old version still serves, nothing has to fail because the new one does not load.
    const isServed = serving.some((container) => container.state === 'ready');
    if (isServed || !this.#ephemeralApps.has(record.appId)) return;
    const failed = crashes.takeLoadFailures(LOAD_FAILURES);
    if (failed) actions.push({ type: 'failInputs', pool, record, ...failed });
  }

  #stopSurplus(turn: PoolTurn, { record, serving, desired }: Surplus): void {
    const stops = containersToStop({
      containers: serving.map(({ containerId, version, state: phase, idleForMs }) => ({
        containerId,
        version,
        ready: phase === 'ready',
        idleForMs,
      })),
      currentVersion: record.version,
      desired,
      scaledownWindowMs: record.spec.options.scaledownWindowMs ?? DEFAULTS.scaledownWindowMs,
    });
    const byId = new Map(serving.map((container) => [container.containerId, container]));
    for (const { containerId, reason } of stops) {
      const container = byId.get(containerId);
      if (container) this.#stop(turn, container, reason);
    }
  }

  #planRoom(containers: readonly FleetContainer[], reviews: readonly Review[]): RoomPlan {
    const spare = reviews.map(
      ({ state, serving, needed }) => [state.pool, Math.max(0, serving.length - needed)] as const,
    );
    return new RoomPlan({
      machines: this.#fleet.machines(),
      containers,
      needOf: (pool) => this.#needOf(pool),
      spare: new Map(spare),
    });
  }

  #needOf({ pool, functionId }: PoolId): Resources {
    const state = this.#pools.get(pool);
    const record = state ? this.#recordOf(state) : this.#functions.get(functionId);
    return record ? resourceNeed(record.spec.options) : UNKNOWN_NEED;
  }

  #recordOf({ functionId, pool, options }: PoolState): FunctionRecord | undefined {
    const record = this.#functions.get(functionId);
    if (!record) return undefined;
    const ownLive = pool === functionId ? undefined : this.#live.get(pool);
    return effectiveRecord(record, options, [this.#live.get(functionId), ownLive]);
  }

  // A pool without containers and without work is made again when something happens to it.
  #forgetIdle({ state, own, nowMs }: PoolTurn, desired: number): void {
    const hasNothing = own.length === 0 && desired === 0 && !state.inUse && !state.crashes.matters(nowMs);
    if (hasNothing && nowMs >= this.#settlesAtMs) this.#pools.delete(state.pool);
  }

  #startMissing(review: Review, plan: RoomPlan): void {
    const { state, nowMs, record, needed } = review;
    const missing = missingContainers(review, nowMs >= this.#settlesAtMs);
    const current = countOf(review.serving, record.version);
    for (let started = 0; started < missing; started++) {
      if (this.#start(review, plan)) continue;
      state.cramped ??= { sinceMs: nowMs };
      // Extra containers are started where there is room, but nobody is stopped for them.
      const pressing = Math.min(missing, needed - current) - started;
      const isComing = pressing > 0 && this.#makeRoom(review, plan, pressing);
      if (!isComing && !this.#replaceOne(review, plan)) this.#reportUnplaceable(review, missing - started);
      return;
    }
    state.cramped = undefined;
  }

  #start({ state, record, actions, nowMs }: Review, plan: RoomPlan): boolean {
    const { parameters } = state;
    const workerId = plan.place(state);
    if (workerId === undefined || !parameters) return false;
    const containerId = this.#newContainerId();
    this.#fleet.request(containerId, { workerId, pool: state.pool, record, atMs: nowMs });
    const { id: functionId, version } = record;
    plan.add({
      containerId,
      workerId,
      pool: state.pool,
      functionId,
      version,
      state: 'requested',
      running: 0,
      maxInputs: 0,
    });
    actions.push({ type: 'start', workerId, containerId, pool: state.pool, parameters, record });
    return true;
  }

  /** False if not even one container can get room. */
  #makeRoom(review: Review, plan: RoomPlan, containers: number): boolean {
    const { state, record, serving } = review;
    const roomFor = serving.length === 0 ? 'first' : 'further';
    const most = roomFor === 'first' ? 1 : containers;
    for (let promised = 0; promised < most; promised++) {
      const stops = plan.makeRoom(state, roomFor);
      if (!stops) return promised > 0;
      for (const container of stops) {
        this.#stop(review, container, `idle, and "${record.spec.name}" needs its room`);
      }
    }
    return true;
  }

  /** Ends an old container where only that makes room for the current version. False if even that would not. */
  #replaceOne(review: Review, plan: RoomPlan): boolean {
    const { state, record, own } = review;
    if (own.some(({ version }) => version === record.version)) return false;
    const stops = plan.replaceOne(state, own);
    for (const container of stops ?? [])
      this.#stop(review, container, `version ${record.version} needs its room`);
    return stops !== undefined;
  }

  // A machine that refused a container a moment ago is asked again soon.
  #reportUnplaceable({ state, actions, nowMs, record }: Review, containers: number): void {
    const { isEmpty, hasPausedMachine } = this.#fleet;
    if (hasPausedMachine || (isEmpty && nowMs < this.#settlesAtMs)) return;
    if (nowMs - state.lastUnplaceableMs < UNPLACEABLE_EVERY_MS) return;
    state.lastUnplaceableMs = nowMs;
    const reason = isEmpty ? 'noWorker' : 'noRoom';
    actions.push({ type: 'unplaceable', pool: state.pool, record, containers, reason });
  }

  #stop({ actions, nowMs }: PoolTurn, container: FleetContainer, reason: string): void {
    const { containerId, workerId } = container;
    container.state = 'draining';
    if (!this.#fleet.noteStop(containerId, nowMs)) return;
    actions.push({ type: 'stop', workerId, containerId, reason });
  }

  #onContainerChange({ type, status, requestedAtMs }: FleetChange, nowMs: number): void {
    const state = this.#poolOf(status.pool, status.functionId);
    if (type === 'ended' && status.exit?.reason !== 'stopped') state.suspectLoss();
    if (!this.#isCurrent(status)) return;
    if (type === 'ready') state.crashes.observeReady();
    else state.crashes.observeEnd(status, requestedAtMs, nowMs);
  }

  #isCurrent({ functionId, version }: ContainerStatus): boolean {
    return this.#functions.get(functionId)?.version === version;
  }

  #poolOf(pool: string, functionId: string): PoolState {
    let state = this.#pools.get(pool);
    if (!state) {
      state = new PoolState(pool, functionId);
      if (pool === functionId) state.parameters = {};
      this.#pools.set(pool, state);
    }
    return state;
  }
}
