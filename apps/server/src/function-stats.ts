import { functionBacklog, type Messaging } from '@gantry/messaging';
import { type FunctionStats, type StatsRequest, subjects } from '@gantry/protocol';

import type { WorkerObserver } from './worker-observer.ts';

export interface FunctionStatsOptions {
  messaging: Messaging;
  workers: WorkerObserver;
}

/** Answers how functions are, to clients' sessions and to workers whose containers ask. */
export class FunctionStatsDesk {
  readonly #options: FunctionStatsOptions;
  readonly #responder: { stop(): void };

  constructor(options: FunctionStatsOptions) {
    this.#options = options;
    this.#responder = options.messaging.respond<StatsRequest, FunctionStats>(
      subjects.functionStats,
      (request) => this.stats(request),
    );
  }

  async stats({ functionId, pool }: StatsRequest): Promise<FunctionStats> {
    const { messaging, workers } = this.#options;
    const { waiting } = await (pool === undefined
      ? functionBacklog(messaging, functionId)
      : messaging.inputs.backlog(pool));
    const containers = workers
      .containers()
      .map(({ container }) => container)
      .filter((container) => container.functionId === functionId)
      .filter((container) => pool === undefined || container.pool === pool);
    return {
      backlog: waiting,
      numTotalContainers: containers.length,
      numRunningInputs: containers.reduce(
        (sum, { running, gang }) => sum + ((gang?.rank ?? 0) === 0 ? running : 0),
        0,
      ),
    };
  }

  close(): void {
    this.#responder.stop();
  }
}
