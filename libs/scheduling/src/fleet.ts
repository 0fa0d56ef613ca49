import {
  type ContainerStatus,
  type MachineCapacity,
  WORKER_DEAD_AFTER_MS,
  type WorkerStatus,
} from '@gantry/protocol';

import { type FleetContainer, isLeader } from './fleet-container.ts';
import { Gangs } from './gangs.ts';
import { countKinds } from './gpu-types.ts';
import { machineResources, type Resources } from './placement.ts';
import type { Room } from './room.ts';
import { type MachineTraits, traitsOf } from './whereabouts.ts';

/** What a worker's report says of one container that was not known before. */
export interface FleetChange {
  type: 'added' | 'changed' | 'ready' | 'ended' | 'vanished';
  pool: string;
  functionId: string;
  version: number;
  requestedAtMs: number;
  /** What was reported, unless nothing was. */
  status?: ContainerStatus;
}

interface Known extends FleetContainer {
  requestedAtMs: number;
  stopAskedAtMs?: number | undefined;
  /** It is to end at once, and was told so. */
  isKilled?: boolean;
  /** Its state in the last report. */
  reported?: ContainerStatus['state'];
  /** Whether its readiness was told already. */
  isTold: boolean;
  /** As the worker says it, by its own clock. */
  reportedIdleSinceMs?: number | undefined;
  /** Number of the last report that had it; 0 while it is only asked for. */
  report: number;
}

/** One container in a report, and what was known of it. */
interface Sighting {
  container: ContainerStatus;
  known: Known | undefined;
  nowMs: number;
}

interface Worker {
  workerId: string;
  capacity: MachineCapacity;
  traits: MachineTraits;
  draining: boolean;
  seenAtMs: number;
  reports: number;
  containers: Map<string, Known>;
  /** Containers whose end was reported, and still is. */
  ended: Set<string>;
}

const REQUEST_LOST_AFTER_MS = 5_000;
const STOP_REPEAT_MS = 3_000;
const REFUSAL_PAUSE_MS = 1_000;
const NO_CONTAINERS: ReadonlyMap<string, FleetContainer> = new Map();

/** All workers and their containers, from their reports and from what was asked of them. */
export class Fleet {
  readonly #room: Room;
  /** What a container of a pool takes. */
  readonly #needOf: (pool: string, functionId: string) => Resources;
  // The order of entries is that of their times, so that what is over is always first.
  readonly #workers = new Map<string, Worker>();
  readonly #requested = new Map<string, Known>();
  readonly #unheardStops = new Map<string, Known>();
  /** Workers that just refused a container, and until when they get no other. */
  readonly #pausedUntilMs = new Map<string, number>();
  /** Of gangs the leaders alone. */
  readonly #byPool = new Map<string, Map<string, Known>>();
  readonly #gangs = new Gangs<Known>();

  constructor(options: { room: Room; needOf: (pool: string, functionId: string) => Resources }) {
    this.#room = options.room;
    this.#needOf = options.needOf;
  }

  /** Takes in a report; returns what is new. */
  observe(status: WorkerStatus, nowMs: number): FleetChange[] {
    const worker = this.#meet(status, nowMs);
    worker.reports++;
    const changes: FleetChange[] = [];
    const ended = new Set<string>();
    for (const container of status.containers) {
      const known = worker.containers.get(container.containerId);
      if (container.state !== 'stopped') {
        this.#observeContainer(worker, { container, known, nowMs }, changes);
        continue;
      }
      ended.add(container.containerId);
      if (container.gang?.rank === 0 && container.exit?.reason === 'stopped')
        this.#gangs.noteOver(container.containerId);
      if (worker.ended.has(container.containerId)) continue;
      changes.push(changeOf('ended', container, known?.requestedAtMs ?? nowMs));
    }
    worker.ended = ended;
    this.#dropUnreported(worker, changes);
    return changes;
  }

  #observeContainer(worker: Worker, { container, known, nowMs }: Sighting, changes: FleetChange[]): void {
    const own = known ?? this.#take(worker, container, nowMs);
    own.report = worker.reports;
    if (!known) changes.push(changeOf('added', container, nowMs));
    else if (this.#update(known, container, nowMs)) changes.push(changeOf('changed', container, nowMs));
    if (own.isTold || container.readyAtMs === undefined) return;
    own.isTold = true;
    changes.push(changeOf('ready', container, own.requestedAtMs));
  }

  // What was only asked for may not be there yet.
  #dropUnreported({ containers, ended, reports }: Worker, changes: FleetChange[]): void {
    for (const known of containers.values()) {
      const hasEnded = ended.has(known.containerId);
      if (known.report === reports || (known.report === 0 && !hasEnded)) continue;
      const type = hasEnded || known.state === 'draining' ? 'changed' : 'vanished';
      this.#drop(known);
      changes.push({ ...known, type });
    }
  }

  /** Drops workers that are silent, and requests nobody answered; returns the containers that are lost by it. */
  expire(nowMs: number): { lost: FleetContainer[]; unanswered: FleetContainer[] } {
    const lost: FleetContainer[] = [];
    const unanswered: FleetContainer[] = [];
    for (const [workerId, { seenAtMs, containers }] of this.#workers) {
      if (nowMs - seenAtMs <= WORKER_DEAD_AFTER_MS) break;
      this.#workers.delete(workerId);
      this.#room.removeMachine(workerId);
      for (const known of containers.values()) {
        (known.state === 'requested' ? unanswered : lost).push(known);
        this.#drop(known);
      }
    }
    for (const [workerId, untilMs] of this.#pausedUntilMs) {
      if (untilMs > nowMs) break;
      this.#pausedUntilMs.delete(workerId);
      this.#openOrClose(workerId);
    }
    for (const known of this.#requested.values()) {
      if (nowMs - known.requestedAtMs <= REQUEST_LOST_AFTER_MS) break;
      unanswered.push(known);
      this.#drop(known);
    }
    return { lost, unanswered };
  }

  /** Counts a container that a worker is asked for. */
  request(container: Omit<FleetContainer, 'state' | 'running' | 'maxInputs'>, atMs: number): void {
    const known: Known = {
      ...container,
      state: 'requested',
      running: 0,
      maxInputs: 0,
      requestedAtMs: atMs,
      isTold: false,
      report: 0,
    };
    this.#keep(known);
    this.#requested.set(known.containerId, known);
  }

  /** A worker did not take a container: it gets no other one for a second. */
  refuse(containerId: string, nowMs: number): FleetContainer | undefined {
    const known = this.#requested.get(containerId);
    if (!known) return undefined;
    const { workerId } = known;
    this.#pausedUntilMs.delete(workerId);
    this.#pausedUntilMs.set(workerId, nowMs + REFUSAL_PAUSE_MS);
    this.#openOrClose(workerId);
    this.#drop(known);
    return known;
  }

  /** Notes that a container was asked to stop; false if that was said a moment ago. */
  noteStop({ containerId, workerId }: FleetContainer, nowMs: number): boolean {
    const known = this.#workers.get(workerId)?.containers.get(containerId);
    if (!known || nowMs - (known.stopAskedAtMs ?? Number.NEGATIVE_INFINITY) < STOP_REPEAT_MS) return false;
    known.stopAskedAtMs = nowMs;
    known.isStopUnheard = true;
    this.#unheardStops.delete(containerId);
    this.#unheardStops.set(containerId, known);
    known.state = 'draining';
    this.#room.change(known);
    if (known.gang?.rank === 0 && !known.isKilled) this.#follow(known, nowMs);
    return true;
  }

  // The others of a gang end with their leader: told by its worker, not by the scheduler.
  #follow(leader: Known, nowMs: number): void {
    this.#gangs.noteOver(leader.containerId);
    for (const known of this.#gangs.of(leader)) {
      if (known === leader) continue;
      known.stopAskedAtMs ??= nowMs;
      known.state = 'draining';
      this.#room.change(known);
    }
  }

  /** What is to be told those that are left of gangs that lack somebody. */
  takeLeftBehind(nowMs: number): { container: FleetContainer; isKilled: boolean; reason: string }[] {
    return this.#gangs.takeShort().flatMap(({ left, isOver, reason }) =>
      left.flatMap((known) => {
        const ends = known.isKilled || (known.reported === 'draining' && known.running === 0);
        if (ends) return [];
        known.isKilled = !isOver;
        known.stopAskedAtMs = undefined;
        this.noteStop(known, nowMs);
        return [{ container: known, isKilled: known.isKilled, reason }];
      }),
    );
  }

  /** The containers that a report still shows as serving although they were asked to stop. */
  takeUnheardStops(nowMs: number): (FleetContainer & { isKilled?: boolean })[] {
    const unheard: Known[] = [];
    for (const known of this.#unheardStops.values()) {
      if (nowMs - (known.stopAskedAtMs ?? nowMs) < STOP_REPEAT_MS) break;
      unheard.push(known);
    }
    return unheard.filter((known) => this.noteStop(known, nowMs));
  }

  /** Every container of a pool that is not stopped; of gangs the leaders. One that was asked to stop counts as draining. */
  containersOf(pool: string): Iterable<FleetContainer> {
    return (this.#byPool.get(pool) ?? NO_CONTAINERS).values();
  }

  /** All of the gang that a container is in, or that container alone. */
  gangOf({ containerId, workerId }: FleetContainer): Iterable<FleetContainer> {
    const known = this.#workers.get(workerId)?.containers.get(containerId);
    return known ? this.#gangs.of(known) : [];
  }

  /** The leader of the gang that a container is in, or that container; undefined once it is gone. */
  leaderOf({ containerId, workerId }: FleetContainer): FleetContainer | undefined {
    const known = this.#workers.get(workerId)?.containers.get(containerId);
    return known && this.#gangs.leaderOf(known);
  }

  /** True while a machine gets no containers because it refused one a moment ago. */
  get hasPausedMachine(): boolean {
    return this.#pausedUntilMs.size > 0;
  }

  get isEmpty(): boolean {
    return this.#workers.size === 0;
  }

  /** True while every machine that there is shuts down. */
  get isLeaving(): boolean {
    for (const { draining } of this.#workers.values()) if (!draining) return false;
    return !this.isEmpty;
  }

  #meet(status: WorkerStatus, nowMs: number): Worker {
    const { workerId, capacity, draining } = status;
    const traits = traitsOf(status);
    const worker: Worker = this.#workers.get(workerId) ?? {
      workerId,
      capacity,
      traits,
      draining,
      seenAtMs: nowMs,
      reports: 0,
      containers: new Map(),
      ended: new Set(),
    };
    Object.assign(worker, { capacity, traits, draining, seenAtMs: nowMs });
    this.#workers.delete(workerId);
    this.#workers.set(workerId, worker);
    this.#openOrClose(workerId);
    return worker;
  }

  #openOrClose(workerId: string): void {
    const worker = this.#workers.get(workerId);
    if (!worker) return;
    const isOpen = !worker.draining && !this.#pausedUntilMs.has(workerId);
    const { capacity, traits } = worker;
    const { gpus = [] } = capacity;
    this.#room.setMachine(workerId, { capacity: machineResources(capacity), isOpen, gpus, traits });
  }

  #take({ workerId, capacity }: Worker, reported: ContainerStatus, nowMs: number): Known {
    const { containerId, pool, functionId, version, running, maxInputs, gpus, gang } = reported;
    const devices = (capacity.gpus ?? []).filter(({ index }) => gpus?.includes(index));
    const need = this.#needOf(pool, functionId);
    const known: Known = {
      ...{ containerId, workerId, pool, functionId, version, running, maxInputs },
      need: devices.length > 0 ? { ...need, gpus: countKinds(devices) } : need,
      gpus,
      gang,
      state: 'starting',
      requestedAtMs: nowMs,
      isTold: false,
      report: 0,
    };
    this.#applyReport(known, reported, nowMs);
    this.#keep(known);
    return known;
  }

  #update(known: Known, reported: ContainerStatus, nowMs: number): boolean {
    this.#requested.delete(known.containerId);
    const { state, running, maxInputs, exhausted, idleSinceMs, isStopUnheard } = known;
    this.#applyReport(known, reported, nowMs);
    const isSame =
      state === known.state &&
      running === known.running &&
      maxInputs === known.maxInputs &&
      exhausted === known.exhausted &&
      idleSinceMs === known.idleSinceMs &&
      isStopUnheard === known.isStopUnheard;
    if (!isSame) this.#room.change(known);
    return !isSame;
  }

  #applyReport(known: Known, reported: ContainerStatus, nowMs: number): void {
    const { containerId, state, running, maxInputs, exhausted, idleSinceMs } = reported;
    if (state === 'draining') {
      known.isStopUnheard = false;
      this.#unheardStops.delete(containerId);
    }
    known.reported = state;
    if (state !== 'stopped') known.state = known.stopAskedAtMs === undefined ? state : 'draining';
    Object.assign(known, { running, maxInputs, exhausted });
    if (idleSinceMs === undefined) known.idleSinceMs = undefined;
    else if (known.reportedIdleSinceMs !== idleSinceMs) known.idleSinceMs = nowMs;
    known.reportedIdleSinceMs = idleSinceMs;
  }

  #keep(known: Known): void {
    const { containerId, workerId, pool } = known;
    this.#workers.get(workerId)?.containers.set(containerId, known);
    this.#room.add(known);
    this.#gangs.add(known);
    if (!isLeader(known)) return;
    const own = this.#byPool.get(pool);
    if (own) own.set(containerId, known);
    else this.#byPool.set(pool, new Map([[containerId, known]]));
  }

  #drop(known: Known): void {
    const { containerId, workerId, pool } = known;
    this.#workers.get(workerId)?.containers.delete(containerId);
    this.#requested.delete(containerId);
    this.#unheardStops.delete(containerId);
    const own = this.#byPool.get(pool);
    own?.delete(containerId);
    if (own?.size === 0) this.#byPool.delete(pool);
    this.#room.remove(known);
    this.#gangs.remove(known);
  }
}

function changeOf(type: FleetChange['type'], status: ContainerStatus, requestedAtMs: number): FleetChange {
  const { pool, functionId, version } = status;
  return { type, pool, functionId, version, status, requestedAtMs };
}
