import { composeWorker } from './composition-root.ts';
import { completeConfig, type WorkerConfig } from './config.ts';

export type { WorkerConfig } from './config.ts';

/** A worker that runs. */
export interface RunningWorker {
  workerId: string;
  /** Preempts its containers, which have 30 s for what runs and for exit hooks, and ends everything it started. */
  stop(): Promise<void>;
}

/**
 * Starts a worker in this process.
 *
 * @throws `ConnectionError` if NATS cannot be reached.
 *
 * @example
 * ```ts
 * const worker = await startWorker({ natsUrl, dataDir, blobs: { type: 'disk', path }, runnerPath, log });
 * await worker.stop();
 * ```
 */
export async function startWorker(config: WorkerConfig): Promise<RunningWorker> {
  const { workerId, worker } = await composeWorker(completeConfig(config));
  await worker.start();
  config.log.info({ workerId }, 'the worker runs');
  return { workerId, stop: () => worker.stop() };
}
