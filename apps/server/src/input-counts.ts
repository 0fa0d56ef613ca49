import type { ContainerStatus, WorkerStatus } from '@gantry/protocol';

import type { WorkerObserver } from './worker-observer.ts';

/** Inputs that ended. */
export interface EndedInputs {
  succeeded: number;
  failed: number;
}

const NONE: EndedInputs = { succeeded: 0, failed: 0 };
/** A function that is gone is forgotten when there are more than this. */
const MOST_FUNCTIONS = 10_000;

/** Counts inputs by function, from what workers report of their containers. Every server counts since it started. */
export class InputCounts {
  readonly #totals = new Map<string, EndedInputs>();
  /** Of each container what is in the totals already, by worker. */
  readonly #counted = new Map<string, Map<string, EndedInputs>>();

  constructor(workers: Pick<WorkerObserver, 'onStatus'>) {
    workers.onStatus((status) => this.#observe(status));
  }

  of(functionId: string): EndedInputs {
    return this.#totals.get(functionId) ?? NONE;
  }

  #observe({ workerId, containers }: WorkerStatus): void {
    const before = this.#counted.get(workerId);
    const now = new Map<string, EndedInputs>();
    for (const container of containers) {
      const { containerId, succeeded = 0, failed = 0 } = container;
      if (succeeded + failed === 0) continue;
      this.#add(container, before?.get(containerId) ?? NONE);
      now.set(containerId, { succeeded, failed });
    }
    this.#counted.set(workerId, now);
  }

  #add({ functionId, succeeded = 0, failed = 0 }: ContainerStatus, before: EndedInputs): void {
    const total = this.of(functionId);
    this.#totals.delete(functionId);
    this.#totals.set(functionId, {
      succeeded: total.succeeded + succeeded - before.succeeded,
      failed: total.failed + failed - before.failed,
    });
    const [oldest] = this.#totals.keys();
    if (this.#totals.size > MOST_FUNCTIONS && oldest !== undefined) this.#totals.delete(oldest);
  }
}
