import type { Messaging } from '@gantry/messaging';
import { type ContainerStatus, subjects, WORKER_DEAD_AFTER_MS, type WorkerStatus } from '@gantry/protocol';

/** The last report of every living worker. */
export class WorkerObserver {
  /** When this process began to listen: after one heartbeat from then on, every living worker is known. */
  readonly sinceMs = Date.now();
  readonly #reports = new Map<string, { status: WorkerStatus; seenAtMs: number }>();
  readonly #listeners = new Set<(status: WorkerStatus) => void>();
  readonly #messaging: Messaging;
  readonly #subscription: { stop(): void };

  constructor(messaging: Messaging) {
    this.#messaging = messaging;
    this.#subscription = messaging.subscribe<WorkerStatus>(subjects.workerStatus, (status) => {
      this.#reports.set(status.workerId, { status, seenAtMs: Date.now() });
      for (const listener of this.#listeners) listener(status);
    });
    this.ask();
  }

  /** Lets every worker report now. */
  ask(): void {
    this.#messaging.publish(subjects.workerAsk, {});
  }

  statuses(): WorkerStatus[] {
    const oldestMs = Date.now() - WORKER_DEAD_AFTER_MS;
    for (const [workerId, { seenAtMs }] of this.#reports)
      if (seenAtMs < oldestMs) this.#reports.delete(workerId);
    return [...this.#reports.values()].map(({ status }) => status);
  }

  /** Containers that are not stopped, each with its worker. */
  containers(): { worker: WorkerStatus; container: ContainerStatus }[] {
    return this.statuses().flatMap((worker) =>
      worker.containers
        .filter((container) => container.state !== 'stopped')
        .map((container) => ({ worker, container })),
    );
  }

  onStatus(listener: (status: WorkerStatus) => void): { stop(): void } {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    this.#subscription.stop();
    this.#listeners.clear();
  }
}
