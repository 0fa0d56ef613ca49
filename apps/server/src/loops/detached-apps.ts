import type { FunctionDirectory, Messaging } from '@gantry/messaging';
import { type AppRecord, type DemandMessage, subjects, type WorkerStatus } from '@gantry/protocol';

import type { AppDirectory } from '../app-directory.ts';
import type { WorkerObserver } from '../worker-observer.ts';

export interface DetachedAppsOptions {
  messaging: {
    inputs: Pick<Messaging['inputs'], 'backlogs'>;
    subscribe(subject: string, listener: (demand: DemandMessage) => void): { stop(): void };
  };
  functions: Pick<FunctionDirectory, 'get' | 'all'>;
  apps: Pick<AppDirectory, 'all'>;
  workers: Pick<WorkerObserver, 'onStatus'>;
}

const QUIET_MS = 10_000;
/** People look at pages with pauses, and open an address some time after they got it. */
const WEB_QUIET_MS = 300_000;
const FUNCTION_ID_LENGTH = 25;

/**
 * Finds detached apps that are done: nothing of theirs waited or ran for 10 s, or for 5 minutes in the case of
 * an app with web endpoints, and no client is there.
 *
 * Work shows in three ways: in the queue, in reports of containers that run something or did since the last
 * report, and in demand that servers and gateways announce.
 */
export class DetachedApps {
  readonly #options: DetachedAppsOptions;
  /** When each app was last seen to have work, or first seen at all. */
  readonly #activeAtMs = new Map<string, number>();
  readonly #idleSinceMs = new Map<string, number>();
  readonly #subscriptions: { stop(): void }[];

  constructor(options: DetachedAppsOptions) {
    this.#options = options;
    this.#subscriptions = [
      options.workers.onStatus((status) => this.#observe(status)),
      options.messaging.subscribe(subjects.demand, ({ functionId, inputs, waitingRequests }) => {
        if (inputs + waitingRequests > 0) this.#touch(options.functions.get(functionId)?.appId);
      }),
    ];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  /** The apps to end now. `alive` are those whose client is there. */
  async findDone(alive: ReadonlySet<string>): Promise<AppRecord[]> {
    const detached = this.#options.apps.all().filter(({ state }) => state === 'detached');
    this.#forgetOthers(new Set(detached.map(({ id }) => id)));
    if (detached.length === 0) return [];
    for (const { pool } of await this.#options.messaging.inputs.backlogs()) {
      this.#touch(this.#options.functions.get(pool.slice(0, FUNCTION_ID_LENGTH))?.appId);
    }
    const nowMs = Date.now();
    return detached.filter(({ id }) => {
      if (alive.has(id)) this.#touch(id);
      const activeAtMs = this.#activeAtMs.get(id);
      if (activeAtMs === undefined) this.#touch(id);
      return activeAtMs !== undefined && nowMs - activeAtMs >= this.#quietMs(id);
    });
  }

  #observe({ containers }: WorkerStatus): void {
    for (const { containerId, appId, running, idleSinceMs, state } of containers) {
      if (state === 'stopped') {
        this.#idleSinceMs.delete(containerId);
        continue;
      }
      // A start counts as work, and so does what began and ended between two reports.
      if (running > 0 || idleSinceMs === undefined || this.#idleSinceMs.get(containerId) !== idleSinceMs) {
        this.#touch(appId);
      }
      if (idleSinceMs !== undefined) this.#idleSinceMs.set(containerId, idleSinceMs);
    }
  }

  #quietMs(appId: string): number {
    const hasEndpoints = this.#options.functions
      .all()
      .some((record) => record.appId === appId && Object.keys(record.urls).length > 0);
    return hasEndpoints ? WEB_QUIET_MS : QUIET_MS;
  }

  #touch(appId: string | undefined): void {
    if (appId !== undefined) this.#activeAtMs.set(appId, Date.now());
  }

  #forgetOthers(detached: ReadonlySet<string>): void {
    for (const id of this.#activeAtMs.keys()) if (!detached.has(id)) this.#activeAtMs.delete(id);
  }
}
