import type { BlobStore } from '@gantry/blobs';
import type { EnvironmentDirectory, FunctionDirectory, Messaging } from '@gantry/messaging';
import type { Logger } from '@gantry/telemetry';

import type { AppDirectory } from '../app-directory.ts';
import type { AppStopper } from '../app-stopper.ts';
import type { FailedInputs } from '../failed-inputs.ts';
import { ScheduleTicker } from '../schedules/schedule-ticker.ts';
import type { ScheduledCalls } from '../schedules/scheduled-calls.ts';
import { CollectionKeeper } from '../collections/collection-keeper.ts';
import type { SystemLog } from '../system-log.ts';
import type { WorkerObserver } from '../worker-observer.ts';
import { AppSweep } from './app-sweep.ts';
import type { EnvironmentObjects } from '../environments/environment-objects.ts';
import { startBlockSweeps } from './block-sweeps.ts';
import { startEnvironmentSweeps } from './environment-sweep.ts';
import type { Leadership } from './leadership.ts';
import { SchedulerTerm } from './scheduler-term.ts';
import type { RepeatedSweep } from './repeated-sweep.ts';
import { startValueSweeps } from './value-sweeps.ts';
import { startVolumeSweeps, type VolumeSweepOptions } from './volume-sweep.ts';
import { startWebResultSweeps } from './web-result-sweeps.ts';

export interface SchedulerLoopOptions {
  messaging: Messaging;
  blobs: BlobStore;
  /** The store of volumes. */
  volumeBlobs: BlobStore;
  volumes: VolumeSweepOptions['volumes'];
  functions: FunctionDirectory;
  apps: AppDirectory;
  environments: EnvironmentDirectory;
  objects: EnvironmentObjects;
  workers: WorkerObserver;
  leadership: Leadership;
  stopper: AppStopper;
  failed: FailedInputs;
  systemLog: SystemLog;
  calls: ScheduledCalls;
  log: Logger;
}

/** Schedules while this server leads; each term starts from what the registry and the workers say. */
export class SchedulerLoop {
  readonly #options: SchedulerLoopOptions;
  #term: SchedulerTerm | undefined;
  #sweep: AppSweep | undefined;
  #ticker: ScheduleTicker | undefined;
  #values: RepeatedSweep | undefined;
  #webResults: RepeatedSweep | undefined;
  #blocks: RepeatedSweep | undefined;
  #volumes: RepeatedSweep | undefined;
  #collections: CollectionKeeper | undefined;
  #environments: RepeatedSweep | undefined;

  constructor(options: SchedulerLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.leadership.start((isLeader) => {
      this.#endTerm();
      if (!isLeader) return;
      this.#term = new SchedulerTerm(this.#options);
      this.#sweep = new AppSweep(this.#options);
      this.#ticker = new ScheduleTicker(this.#options);
      this.#values = startValueSweeps(this.#options);
      this.#webResults = startWebResultSweeps(this.#options);
      this.#blocks = startBlockSweeps(this.#options);
      this.#volumes = startVolumeSweeps(this.#options);
      const collections = new CollectionKeeper(this.#options);
      this.#collections = collections;
      this.#environments = startEnvironmentSweeps({ ...this.#options, collections });
    });
  }

  async stop(): Promise<void> {
    this.#endTerm();
    await this.#options.leadership.stop();
  }

  #endTerm(): void {
    this.#term?.end();
    this.#sweep?.end();
    this.#ticker?.end();
    this.#values?.end();
    this.#webResults?.end();
    this.#blocks?.end();
    this.#volumes?.end();
    this.#environments?.end();
    this.#collections?.end();
    this.#term = undefined;
    this.#sweep = undefined;
    this.#ticker = undefined;
    this.#values = undefined;
    this.#webResults = undefined;
    this.#blocks = undefined;
    this.#volumes = undefined;
    this.#collections = undefined;
    this.#environments = undefined;
  }
}
