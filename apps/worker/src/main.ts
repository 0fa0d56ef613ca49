import { composeWorker } from './composition-root.ts';
import { completeConfig, type WorkerConfig } from './config.ts';
import type { DriverChoice } from './driver-choice.ts';

export type { WorkerConfig } from './config.ts';

/** A worker that runs. */
export interface RunningWorker {
  workerId: string;
  /** How its containers are made, and in one line why not better, where that was its choice. */
  driver: DriverChoice;
  /** Preempts its containers, which have 30 s for what runs and for exit hooks, and ends everything it started. */
  stop(): Promise<void>;
}

/**
 * Starts a worker in this process.
 *
 * @throws `ConnectionError` if NATS cannot be reached, `ContainerError` if the driver asked for cannot run here.
 *
 * @example
 * ```ts
 * const worker = await startWorker({ natsUrl, dataDir, blobs: { type: 'disk', path }, runnerPath, log });
 * await worker.stop();
 * ```
 */
export async function startWorker(config: WorkerConfig): Promise<RunningWorker> {
  const spec = await completeConfig(config);
  const { workerId, worker } = await composeWorker(spec);
  await worker.start();
  config.log.info({ workerId, driver: spec.driver.name, why: spec.driver.why }, 'the worker runs');
  return { workerId, driver: spec.driver, stop: () => worker.stop() };
}
