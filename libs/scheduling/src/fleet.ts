import {
  type ContainerStatus,
  type FunctionRecord,
  WORKER_DEAD_AFTER_MS,
  type WorkerStatus,
} from '@gantry/protocol';

import { resourceNeed } from './placement.ts';
import type { Machine } from './room-plan.ts';

/** A container as the scheduler counts it: reported by its worker, or asked for a moment ago. */
export interface FleetContainer {
  containerId: string;
  workerId: string;
  pool: string;
  functionId: string;
  version: number;
  state: 'requested' | 'starting' | 'ready' | 'draining';
  running: number;
  maxInputs: number;
  /** It takes no more inputs, and ends after those it has. */
  exhausted?: boolean | undefined;
  idleForMs?: number | undefined;
}

/** What a worker's report says that was not known before. */
export interface FleetChange {
  type: 'ready' | 'ended';
  status: ContainerStatus;
  requestedAtMs: number;
}

interface Requested {
  workerId: string;
  pool: string;
  record: FunctionRecord;
  atMs: number;
}

const REQUEST_LOST_AFTER_MS = 5_000;
const STOP_REPEAT_MS = 3_000;
const REFUSAL_PAUSE_MS = 1_000;

/** All workers and their containers, from their reports and from what was asked of them. */
export class Fleet {
  readonly #workers = new Map<string, { status: WorkerStatus; seenAtMs: number }>();
  readonly #requested = new Map<string, Requested>();
  readonly #stopAskedAtMs = new Map<string, number>();
  readonly #startedAtMs = new Map<string, number>();
  /** Containers whose readiness or end was told already, by worker. */
  readonly #told = new Map<string, Set<string>>();
  /** Workers that just refused a container, and until when they get no other. */
  readonly #pausedUntilMs = new Map<string, number>();
  /** When this process first saw the present idle time of a container: clocks of machines differ. */
  readonly #idle = new Map<string, { reportedMs: number; seenAtMs: number }>();

  observe(status: WorkerStatus, nowMs: number): FleetChange[] {
    this.#workers.set(status.workerId, { status, seenAtMs: nowMs });
    const before = this.#told.get(status.workerId) ?? new Set<string>();
    const told = new Set<string>();
    const changes: FleetChange[] = [];
    for (const container of status.containers) {
      this.#requested.delete(container.containerId);
      this.#observeIdle(container, nowMs);
      const type = changeOf(container);
      if (!type) continue;
      const key = `${container.containerId} ${type}`;
      told.add(key);
      if (before.has(key)) continue;
      changes.push({
        type,
        status: container,
        requestedAtMs: this.#startedAtMs.get(container.containerId) ?? nowMs,
      });
    }
    this.#told.set(status.workerId, told);
    return changes;
  }

  /**
   * Drops workers that are silent, requests nobody answered, and memory of what is gone. Returns the
   * containers of the workers that were dropped.
   */
  expire(nowMs: number): ContainerStatus[] {
    const lost: ContainerStatus[] = [];
    for (const [workerId, { seenAtMs, status }] of this.#workers) {
      if (nowMs - seenAtMs <= WORKER_DEAD_AFTER_MS) continue;
      lost.push(...status.containers);
      this.#workers.delete(workerId);
      this.#told.delete(workerId);
    }
    for (const [workerId, untilMs] of this.#pausedUntilMs) {
      if (untilMs <= nowMs) this.#pausedUntilMs.delete(workerId);
    }
    for (const [containerId, { atMs, workerId }] of this.#requested) {
      if (nowMs - atMs > REQUEST_LOST_AFTER_MS || !this.#workers.has(workerId))
        this.forgetRequest(containerId);
    }
    this.#prune(new Set([...this.#reported()].map(({ container }) => container.containerId)));
    return lost;
  }

  request(containerId: string, requested: Requested): void {
    this.#requested.set(containerId, requested);
    this.#startedAtMs.set(containerId, requested.atMs);
  }

  /** A worker did not take a container: it gets no other one for a second. */
  refuse(containerId: string, nowMs: number): void {
    const workerId = this.#requested.get(containerId)?.workerId;
    if (workerId !== undefined) this.#pausedUntilMs.set(workerId, nowMs + REFUSAL_PAUSE_MS);
    this.forgetRequest(containerId);
  }

  forgetRequest(containerId: string): void {
    this.#requested.delete(containerId);
    this.#startedAtMs.delete(containerId);
  }

  /** Notes that a container was asked to stop; false if that was said a moment ago. */
  noteStop(containerId: string, nowMs: number): boolean {
    if (nowMs - (this.#stopAskedAtMs.get(containerId) ?? Number.NEGATIVE_INFINITY) < STOP_REPEAT_MS)
      return false;
    this.#stopAskedAtMs.set(containerId, nowMs);
    return true;
  }

  /** Every container that is not stopped. One that was asked to stop counts as draining. */
  containers(nowMs: number): FleetContainer[] {
    const all: FleetContainer[] = [];
    for (const { workerId, container } of this.#reported()) {
      const { containerId, pool, functionId, version, state, running, maxInputs, exhausted } = container;
      if (state === 'stopped') continue;
      const idle = this.#idle.get(containerId);
      all.push({
        containerId,
        workerId,
        pool,
        functionId,
        version,
        state: this.#stopAskedAtMs.has(containerId) ? 'draining' : state,
        running,
        maxInputs,
        exhausted,
        idleForMs: state === 'ready' && idle ? nowMs - idle.seenAtMs : undefined,
      });
    }
    for (const [containerId, { workerId, pool, record }] of this.#requested) {
      const { id: functionId, version } = record;
      all.push({
        containerId,
        workerId,
        pool,
        functionId,
        version,
        state: 'requested',
        running: 0,
        maxInputs: 0,
      });
    }
    return all;
  }

  /** The containers that a report still shows as serving although they were asked to stop. */
  unheardStops(nowMs: number): { containerId: string; workerId: string }[] {
    const unheard: { containerId: string; workerId: string }[] = [];
    for (const { workerId, container } of this.#reported()) {
      const { containerId, state } = container;
      const askedAtMs = this.#stopAskedAtMs.get(containerId);
      const isServing = state === 'ready' || state === 'starting';
      if (isServing && askedAtMs !== undefined && nowMs - askedAtMs >= STOP_REPEAT_MS) {
        unheard.push({ containerId, workerId });
      }
    }
    return unheard;
  }

  /** Machines that take new containers now. */
  machines(): Machine[] {
    const machines: Machine[] = [];
    for (const { status } of this.#workers.values()) {
      const { workerId, capacity, draining } = status;
      if (!draining && !this.#pausedUntilMs.has(workerId)) machines.push({ workerId, capacity });
    }
    return machines;
  }

  /** True while a machine gets no containers because it refused one a moment ago. */
  get hasPausedMachine(): boolean {
    return this.#pausedUntilMs.size > 0;
  }

  get isEmpty(): boolean {
    return this.#workers.size === 0;
  }

  *#reported(): Generator<{ workerId: string; container: ContainerStatus }> {
    for (const { status } of this.#workers.values()) {
      for (const container of status.containers) yield { workerId: status.workerId, container };
    }
  }

  #observeIdle({ containerId, idleSinceMs }: ContainerStatus, nowMs: number): void {
    if (idleSinceMs === undefined) {
      this.#idle.delete(containerId);
      return;
    }
    if (this.#idle.get(containerId)?.reportedMs === idleSinceMs) return;
    this.#idle.set(containerId, { reportedMs: idleSinceMs, seenAtMs: nowMs });
  }

  #prune(alive: Set<string>): void {
    for (const id of this.#requested.keys()) alive.add(id);
    for (const memory of [this.#stopAskedAtMs, this.#startedAtMs, this.#idle]) {
      for (const id of memory.keys()) if (!alive.has(id)) memory.delete(id);
    }
  }
}

/** Needs of a function that is not known any more: those of one without options. */
export const UNKNOWN_NEED = resourceNeed({});

function changeOf(container: ContainerStatus): FleetChange['type'] | undefined {
  if (container.state === 'stopped') return 'ended';
  return container.readyAtMs === undefined ? undefined : 'ready';
}
