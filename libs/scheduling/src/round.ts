import {
  type ClassParameters,
  DEFAULTS,
  type FunctionRecord,
  type GangPlace,
  gangSeat,
} from '@gantry/protocol';

import type { CrashLoop, LoadFailures } from './crash-history.ts';
import type { Fleet } from './fleet.ts';
import type { FleetContainer } from './fleet-container.ts';
import { GangRoom } from './gang-room.ts';
import { missingContainers, wantedContainers } from './pool-demand.ts';
import { byUrgency, countOf, hasNothing, type Review } from './pool-review.ts';
import type { PoolState } from './pool-state.ts';
import type { Pools } from './pools.ts';
import type { Room, RoomAsk } from './room.ts';
import { containersToStop, nextStopInMs, type ScaleDownInput } from './scaling.ts';
import type { WaitingLine } from './waiting-line.ts';
import { whereaboutsOf } from './whereabouts.ts';

/** What the scheduler wants done. */
export type Action =
  | {
      type: 'start';
      workerId: string;
      containerId: string;
      pool: string;
      parameters: ClassParameters;
      record: FunctionRecord;
      gpus?: number[] | undefined;
      gang?: GangPlace | undefined;
    }
  | { type: 'stop'; workerId: string; containerId: string; reason: string }
  /** Others of its gang are gone: it ends at once, and what runs in it runs elsewhere. */
  | { type: 'kill'; workerId: string; containerId: string; reason: string }
  /** The pool's containers do not load: answer what waits. */
  | ({ type: 'failInputs'; pool: string; record: FunctionRecord } & LoadFailures)
  /** The pool's containers fail one after the other; the next one waits. */
  | { type: 'crashLoop'; pool: string; record: FunctionRecord; loop: CrashLoop }
  /** No machine has room for another container of the pool (or no machines for another gang), nor can make any; or there is no machine. */
  | {
      type: 'unplaceable';
      pool: string;
      record: FunctionRecord;
      containers: number;
      reason: 'noRoom' | 'noWorker';
    };

export interface RoundParts {
  fleet: Fleet;
  room: Room;
  pools: Pools;
  line: WaitingLine;
  newContainerId: () => string;
  isEphemeral: (appId: string) => boolean;
}

/** Containers of an ephemeral app that do not load, after which what waits is failed. */
const LOAD_FAILURES = 3;
const UNPLACEABLE_EVERY_MS = 60_000;
/** A pool that has containers and could use more is nothing to speak of, unless it stays so. */
const CRAMPED_TOLD_AFTER_MS = 30_000;
/** What one round does at most, so that nothing else waits for long; the rest is done in the next ones. */
const POOLS_EACH_ROUND = 200;
const STARTS_EACH_TURN = 100;
/** How often a pool that found no room looks again by itself: the more seldom, the longer it waits. */
const LOOKS_AGAIN = { soonestMs: 50, latestMs: 2_000, shareOfWait: 0.25 };

/** One round of decisions, over the pools that something happened to. */
export class Round {
  readonly actions: Action[] = [];
  readonly #parts: RoundParts;
  readonly #gangRoom: GangRoom;
  readonly #nowMs: number;
  /** All workers have reported. */
  readonly #isSettled: boolean;

  constructor(parts: RoundParts, { nowMs, isSettled }: { nowMs: number; isSettled: boolean }) {
    this.#parts = parts;
    this.#gangRoom = new GangRoom(parts.room, (container) => parts.fleet.gangOf(container));
    this.#nowMs = nowMs;
    this.#isSettled = isSettled;
  }

  run(): Action[] {
    const { fleet, pools } = this.#parts;
    for (const { workerId, containerId, isKilled } of fleet.takeUnheardStops(this.#nowMs)) {
      this.actions.push({ type: isKilled ? 'kill' : 'stop', workerId, containerId, reason: 'repeated' });
    }
    if (this.#isSettled) this.#endLeftBehind();
    const reviews: Review[] = [];
    for (const state of pools.takeTouched(this.#nowMs, POOLS_EACH_ROUND)) {
      const review = this.#review(state);
      if (review) reviews.push(review);
    }
    for (const review of reviews.sort(byUrgency)) {
      this.#startMissing(review);
      this.#plan(review);
    }
    return this.actions;
  }

  /** Ends what is left of gangs that lost somebody. */
  #endLeftBehind(): void {
    for (const { container, isKilled, reason } of this.#parts.fleet.takeLeftBehind(this.#nowMs)) {
      const { workerId, containerId, pool } = container;
      this.actions.push({ type: isKilled ? 'kill' : 'stop', workerId, containerId, reason });
      const state = this.#parts.pools.get(pool);
      if (state) this.#parts.pools.touch(state);
    }
  }

  /** Stops what a pool has too much, and finds what it lacks. */
  #review(state: PoolState): Review | undefined {
    const { fleet, pools, room } = this.#parts;
    const record = pools.recordOf(state);
    const own = [...fleet.containersOf(state.pool)];
    const serving = own.filter((container) => container.state !== 'draining');
    if (!record || record.stopped) {
      const reason = record ? 'its app was stopped' : 'its function was removed';
      for (const container of serving) this.#stop(container, reason);
      if (own.length === 0) this.#forget(state);
      return undefined;
    }
    const current = own.filter(({ version }) => version === record.version);
    room.setNeed(this.#withGangs(current, record), pools.needOf(state.pool, state.functionId));
    const wanted = wantedContainers({ state, record, nowMs: this.#nowMs }, own);
    this.#reportCrashes(state, record, serving);
    for (const { container, reason } of this.#surplus(record, serving, wanted.desired)) {
      this.#stop(container, reason);
    }
    const left = serving.filter((container) => container.state !== 'draining');
    const spare = record.spec.options.nonpreemptible ? 0 : left.length - wanted.needed;
    room.offer(state.pool, spare, this.#withGangs(own, record));
    if (own.length === 0 && wanted.desired === 0 && this.#isIdle(state)) {
      this.#forget(state);
      return undefined;
    }
    return { ...wanted, state, record, own, serving: left };
  }

  /** Those, and of clustered functions all of their gangs. */
  #withGangs(leaders: readonly FleetContainer[], { spec }: FunctionRecord): readonly FleetContainer[] {
    const { fleet } = this.#parts;
    return spec.options.cluster ? leaders.flatMap((leader) => [...fleet.gangOf(leader)]) : leaders;
  }

  #reportCrashes(
    { pool, crashes }: PoolState,
    record: FunctionRecord,
    serving: readonly FleetContainer[],
  ): void {
    const loop = crashes.takeLoop();
    if (loop) this.actions.push({ type: 'crashLoop', pool, record, loop });
    // While an old version still serves, nothing has to fail because the new one does not load.
    const isServed = serving.some((container) => container.state === 'ready');
    if (isServed || !this.#parts.isEphemeral(record.appId)) return;
    const failed = crashes.takeLoadFailures(LOAD_FAILURES);
    if (failed) this.actions.push({ type: 'failInputs', pool, record, ...failed });
  }

  #surplus(
    record: FunctionRecord,
    serving: readonly FleetContainer[],
    desired: number,
  ): { container: FleetContainer; reason: string }[] {
    const byId = new Map(serving.map((container) => [container.containerId, container]));
    const stops = containersToStop(this.#scaleDown(record, serving, desired));
    return stops.flatMap(({ containerId, reason }) => {
      const container = byId.get(containerId);
      return container ? [{ container, reason }] : [];
    });
  }

  #scaleDown(record: FunctionRecord, serving: readonly FleetContainer[], desired: number): ScaleDownInput {
    return {
      containers: serving.map(({ containerId, version, state, idleSinceMs }) => ({
        containerId,
        version,
        ready: state === 'ready',
        idleForMs: state === 'ready' && idleSinceMs !== undefined ? this.#nowMs - idleSinceMs : undefined,
      })),
      currentVersion: record.version,
      desired,
      scaledownWindowMs: record.spec.options.scaledownWindowMs ?? DEFAULTS.scaledownWindowMs,
    };
  }

  // A pool without containers and without work is made again when something happens to it.
  #isIdle({ inUse, crashes }: PoolState): boolean {
    return !inUse && !crashes.matters(this.#nowMs) && this.#isSettled;
  }

  #forget(state: PoolState): void {
    const { pools, room, line } = this.#parts;
    room.offer(state.pool, 0, []);
    if (room.withdraw(state.pool) > 0) room.noteUnclaimed();
    line.leave(state);
    pools.remove(state);
  }

  #startMissing(review: Review): void {
    const { room, line } = this.#parts;
    const { state, record, needed } = review;
    const promised = room.withdraw(state.pool);
    const missing = missingContainers(review, { isSettled: this.#isSettled, nowMs: this.#nowMs });
    const current = countOf(review.serving, record.version);
    let started = 0;
    while (started < Math.min(missing, STARTS_EACH_TURN) && this.#start(review)) started++;
    if (started < missing && started < STARTS_EACH_TURN) {
      state.cramped ??= { sinceMs: this.#nowMs };
      line.join(state, hasNothing(review) && started === 0);
      // Extra containers are started where there is room, but nobody is stopped for them.
      const pressing = Math.min(missing, needed - current) - started;
      const isComing = pressing > 0 && this.#makeRoom(review, pressing);
      if (!isComing && !this.#replaceOne(review)) this.#reportUnplaceable(review, missing - started);
    } else {
      state.cramped = undefined;
      line.leave(state);
    }
    if (started < missing && started >= STARTS_EACH_TURN) this.#parts.pools.touch(state);
    const { size = 1 } = record.spec.options.cluster ?? {};
    if (room.promisedTo(state.pool) + started * size < promised) room.noteUnclaimed();
  }

  #start(review: Review): boolean {
    const { room, newContainerId } = this.#parts;
    const { state, record } = review;
    const { cluster } = record.spec.options;
    for (const ask of this.#asks(state, record)) {
      const workerIds = cluster ? room.placeAll(ask, cluster.size) : room.place(ask);
      if (workerIds === undefined) continue;
      if (typeof workerIds === 'string') this.#startOne(review, ask, { workerId: workerIds });
      else {
        const containerIds = workerIds.map(() => newContainerId());
        for (const [rank, workerId] of workerIds.entries()) {
          this.#startOne(review, ask, { workerId, gang: { rank, containerIds } });
        }
      }
      return true;
    }
    return false;
  }

  #startOne(
    { state, record }: Review,
    { need }: RoomAsk,
    { workerId, gang }: { workerId: string; gang?: GangPlace },
  ): void {
    const { fleet, room, newContainerId } = this.#parts;
    const { pool, functionId, parameters = {} } = state;
    const { version } = record;
    const containerId = gang?.containerIds[gang.rank] ?? newContainerId();
    const gpus = need.gpus && room.freeGpus(workerId, need);
    fleet.request(
      { containerId, workerId, pool, functionId, version, need, gpus, gang: gang && gangSeat(gang) },
      this.#nowMs,
    );
    const start = { workerId, containerId, pool, parameters, record };
    this.actions.push({ type: 'start', ...start, ...(gpus && { gpus }), ...(gang && { gang }) });
  }

  /** What a pool asks for: one thing, or several instead of each other, the best first. */
  #asks({ pool, functionId }: PoolState, { spec }: FunctionRecord): RoomAsk[] {
    const { pools, room } = this.#parts;
    const where = whereaboutsOf(spec.options);
    const needs = room.alternatives(pools.needOf(pool, functionId), spec.options.gpu);
    if (!spec.options.cluster) return needs.map((need) => ({ pool, functionId, need, where }));
    const zones = room.zones();
    return needs.flatMap((need) =>
      zones.map((zone) => ({ pool, functionId, need, where: { ...where, zone } })),
    );
  }

  /** False if not even one container can get room. */
  #makeRoom({ state, record, serving }: Review, containers: number): boolean {
    const { room } = this.#parts;
    const { cluster } = record.spec.options;
    const nowMs = this.#nowMs;
    const asks = this.#asks(state, record);
    const roomFor = serving.length === 0 ? 'first' : 'further';
    const most = roomFor === 'first' ? 1 : Math.min(containers, STARTS_EACH_TURN);
    for (let promised = 0; promised < most; promised++) {
      const stops = firstOf(asks, (ask) =>
        cluster
          ? this.#gangRoom.makeRoom(ask, cluster.size, { roomFor, nowMs })
          : room.makeRoom(ask, roomFor, nowMs),
      );
      if (!stops) return promised > 0;
      for (const container of stops) {
        this.#stop(container, `idle, and "${record.spec.name}" needs its room`);
      }
    }
    return true;
  }

  /** Ends an old container where only that makes room for the current version. False if even that would not. */
  #replaceOne({ state, record, own }: Review): boolean {
    const { fleet, room } = this.#parts;
    for (const { version } of fleet.containersOf(state.pool)) if (version === record.version) return false;
    const { cluster } = record.spec.options;
    const nowMs = this.#nowMs;
    const old = this.#withGangs(own, record);
    const stops = firstOf(this.#asks(state, record), (ask) =>
      cluster ? this.#gangRoom.replaceOne(ask, cluster.size, { old, nowMs }) : room.replaceOne(ask, own),
    );
    for (const container of stops ?? []) this.#stop(container, `version ${record.version} needs its room`);
    return stops !== undefined;
  }

  // A machine that refused a container a moment ago is asked again soon.
  #reportUnplaceable({ state, record, serving }: Review, containers: number): void {
    const { isEmpty, isLeaving, hasPausedMachine } = this.#parts.fleet;
    if (hasPausedMachine || isLeaving || (isEmpty && !this.#isSettled)) return;
    const crampedMs = this.#nowMs - (state.cramped?.sinceMs ?? this.#nowMs);
    if (serving.length > 0 && crampedMs < CRAMPED_TOLD_AFTER_MS) return;
    if (this.#nowMs - state.lastUnplaceableMs < UNPLACEABLE_EVERY_MS) return;
    state.lastUnplaceableMs = this.#nowMs;
    const reason = isEmpty ? 'noWorker' : 'noRoom';
    this.actions.push({ type: 'unplaceable', pool: state.pool, record, containers, reason });
  }

  /** A container of a gang ends by the end of its leader. */
  #stop(one: FleetContainer, reason: string): void {
    const { fleet, pools } = this.#parts;
    const container = one.gang ? fleet.leaderOf(one) : one;
    if (!container || !fleet.noteStop(container, this.#nowMs)) return;
    const { containerId, workerId, pool, functionId } = container;
    this.actions.push({ type: 'stop', workerId, containerId, reason });
    // Without it, the pool may need something else. It may not be the one that is reviewed now.
    pools.touch(pools.of(pool, functionId));
  }

  /** When the pool is to be reviewed again if nothing happens to it. */
  #plan({ state, record, serving, desired, isActive }: Review): void {
    const { pools } = this.#parts;
    const { bufferContainers = 0, scaledownWindowMs = DEFAULTS.scaledownWindowMs } = record.spec.options;
    const times = [
      nextStopInMs(this.#scaleDown(record, serving, desired)) + this.#nowMs,
      state.webEndsMs,
      isActive && bufferContainers > 0 ? state.lastActiveMs + scaledownWindowMs : Number.POSITIVE_INFINITY,
      state.crashes.mayStartMs,
      state.crashes.mattersUntilMs,
      this.#looksForRoomAgainMs(state),
    ];
    const [next = Number.POSITIVE_INFINITY] = times
      .filter((atMs) => atMs > this.#nowMs)
      .sort((a, b) => a - b);
    pools.reviewAt(state, next);
    pools.track(state);
  }

  #looksForRoomAgainMs({ cramped }: PoolState): number {
    if (!cramped) return Number.POSITIVE_INFINITY;
    const { soonestMs, latestMs, shareOfWait } = LOOKS_AGAIN;
    const waitedMs = this.#nowMs - cramped.sinceMs;
    return this.#nowMs + Math.min(latestMs, Math.max(soonestMs, waitedMs * shareOfWait));
  }
}

function firstOf<TItem, TResult>(
  items: readonly TItem[],
  find: (item: TItem) => TResult | undefined,
): TResult | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
