import { WORKER_DEAD_AFTER_MS, type ContainerStatus, type WorkerStatus } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { ContainerEntry } from './container-entry.ts';
import type { ContainerLink } from './container-link.ts';

interface WorkerEntry {
  workerId: string;
  seenAtMs: number;
  startedAtMs: number;
  containers: Map<string, ContainerEntry>;
}

/** What happened in a pool: one of its containers can take requests, or failed to load the user's code. */
export type PoolChange =
  { pool: string; type: 'ready' } | { pool: string; type: 'loadFailed'; version: number };

/** The containers that serve HTTP, as the workers' broadcasts tell. Silent workers are forgotten. */
@onePerGateway()
export class ContainerDirectory {
  readonly #link: ContainerLink;
  readonly #workers = new Map<string, WorkerEntry>();
  readonly #pools = new Map<string, Set<ContainerEntry>>();
  #onChange: (change: PoolChange) => void = () => undefined;

  constructor(@inject(TOKENS.link) link: ContainerLink) {
    this.#link = link;
  }

  /** Sets who is told of changes. */
  onChange(listener: (change: PoolChange) => void): void {
    this.#onChange = listener;
  }

  /** Containers of a pool, in any state. */
  inPool(pool: string): ReadonlySet<ContainerEntry> {
    return this.#pools.get(pool) ?? NONE;
  }

  /** How many containers can take requests. */
  get usable(): number {
    let sum = 0;
    for (const { containers } of this.#workers.values()) {
      for (const entry of containers.values()) if (entry.isUsable) sum += 1;
    }
    return sum;
  }

  /** Takes over a worker's broadcast. */
  receive(status: WorkerStatus, nowMs: number): void {
    const known = this.#workers.get(status.workerId);
    // A message of the worker's former process, overtaken by its new one.
    if (known && known.startedAtMs > status.startedAtMs) return;
    const worker = known ?? newWorker(status.workerId);
    worker.seenAtMs = nowMs;
    worker.startedAtMs = status.startedAtMs;
    this.#workers.set(status.workerId, worker);
    const gone = new Set(worker.containers.keys());
    const changes: PoolChange[] = [];
    for (const reported of status.containers) {
      const container = asOffered(reported, status.draining);
      if (container.state === 'stopped') {
        if (isNewFailure(worker.containers.get(container.containerId), container)) {
          changes.push({ pool: container.pool, type: 'loadFailed', version: container.version });
        }
        if (!worker.containers.has(container.containerId)) continue;
      }
      gone.delete(container.containerId);
      if (this.#take(worker, container, nowMs)) changes.push({ pool: container.pool, type: 'ready' });
    }
    for (const containerId of gone) this.#forget(worker, containerId);
    for (const change of changes) this.#onChange(change);
  }

  /** Forgets workers that have not been heard of for too long. */
  dropSilentWorkers(nowMs: number): void {
    for (const [workerId, worker] of this.#workers) {
      if (nowMs - worker.seenAtMs <= WORKER_DEAD_AFTER_MS) continue;
      for (const containerId of [...worker.containers.keys()]) this.#forget(worker, containerId);
      this.#workers.delete(workerId);
    }
  }

  /** Closes every connection. */
  close(): void {
    for (const worker of this.#workers.values()) {
      for (const { upstream } of worker.containers.values()) upstream.destroy();
    }
  }

  /** True if the container can take requests now. */
  #take(worker: WorkerEntry, status: ContainerStatus, nowMs: number): boolean {
    let entry = worker.containers.get(status.containerId);
    if (!entry) {
      entry = new ContainerEntry(status, { workerId: worker.workerId, link: this.#link });
      worker.containers.set(status.containerId, entry);
      const pool = this.#pools.get(status.pool) ?? new Set();
      this.#pools.set(status.pool, pool.add(entry));
    }
    entry.update(status, nowMs);
    return entry.isUsable;
  }

  #forget(worker: WorkerEntry, containerId: string): void {
    const entry = worker.containers.get(containerId);
    if (!entry) return;
    worker.containers.delete(containerId);
    entry.distrust();
    // Requests that still run in it may end well.
    entry.upstream.close();
    const pool = this.#pools.get(entry.status.pool);
    pool?.delete(entry);
    if (pool?.size === 0) this.#pools.delete(entry.status.pool);
  }
}

function newWorker(workerId: string): WorkerEntry {
  return { workerId, seenAtMs: 0, startedAtMs: 0, containers: new Map() };
}

const NONE: ReadonlySet<ContainerEntry> = new Set();

/** A worker that drains takes no new work, whatever its containers could do. */
function asOffered(status: ContainerStatus, isDraining: boolean): ContainerStatus {
  return isDraining && status.state === 'ready' ? { ...status, state: 'draining' } : status;
}

/** Workers repeat the end of a container; only its first mention counts. */
function isNewFailure(known: ContainerEntry | undefined, status: ContainerStatus): boolean {
  return known !== undefined && known.status.state !== 'stopped' && status.exit?.reason === 'loadFailed';
}
