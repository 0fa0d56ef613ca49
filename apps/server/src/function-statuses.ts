import { functionBacklog, type Messaging } from '@gantry/messaging';
import type { FunctionRecord, FunctionStatus } from '@gantry/protocol';

import { InputCounts } from './input-counts.ts';
import type { WorkerObserver } from './worker-observer.ts';

/** So many pages that look at once ask the broker no more than one does. */
const KEPT_MS = 1_000;

interface Kept {
  atMs: number;
  backlog: Promise<number>;
}

/** How functions are now, for those who look at them. */
export class FunctionStatuses {
  readonly #messaging: Messaging;
  readonly #workers: WorkerObserver;
  readonly #ended: InputCounts;
  readonly #backlogs = new Map<string, Kept>();

  constructor({ messaging, workers }: { messaging: Messaging; workers: WorkerObserver }) {
    this.#messaging = messaging;
    this.#workers = workers;
    this.#ended = new InputCounts(workers);
  }

  async of(functions: readonly FunctionRecord[]): Promise<FunctionStatus[]> {
    const containers = this.#workers.containers().map(({ container }) => container);
    return await Promise.all(
      functions.map(async ({ id }) => {
        const { succeeded, failed } = this.#ended.of(id);
        const own = containers.filter(({ functionId }) => functionId === id);
        return {
          functionId: id,
          backlog: await this.#backlog(id),
          numTotalContainers: own.length,
          numStartingContainers: own.filter(({ state }) => state === 'starting').length,
          numSucceededInputs: succeeded,
          numFailedInputs: failed,
          numRunningInputs: own.reduce((sum, { running }) => sum + running, 0),
        };
      }),
    );
  }

  #backlog(functionId: string): Promise<number> {
    const nowMs = Date.now();
    const kept = this.#backlogs.get(functionId);
    if (kept && nowMs - kept.atMs < KEPT_MS) return kept.backlog;
    for (const [id, { atMs }] of this.#backlogs) if (nowMs - atMs >= KEPT_MS) this.#backlogs.delete(id);
    const backlog = functionBacklog(this.#messaging, functionId).then(({ waiting }) => waiting);
    this.#backlogs.set(functionId, { atMs: nowMs, backlog });
    return backlog;
  }
}
