import { type FunctionRecord, registryKeys, WORKER_HEARTBEAT_MS } from '@gantry/protocol';

import { DetachedApps } from './detached-apps.ts';
import type { SchedulerLoopOptions } from './scheduler-loop.ts';

const SWEEP_MS = 1_000;
const LIVENESS_EVERY_MS = 3_000;
/** After this long every server and worker knows that a function is stopped. */
const STOP_KNOWN_MS = 3_000;
const RECORDS_EVERY_MS = 60_000;
const STOPPED_APPS_KEPT_MS = 24 * 3600 * 1000;

/** What the leader tidies up: ephemeral apps without their client, detached apps that are done, functions that stopped, old records. */
export class AppSweep {
  readonly #options: SchedulerLoopOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #detached: DetachedApps;
  readonly #startedAtMs = Date.now();
  readonly #stoppedSinceMs = new Map<string, number>();
  readonly #finishing = new Set<string>();
  #livenessAtMs = Date.now();
  #recordsAtMs = Date.now();
  #stopping = false;

  constructor(options: SchedulerLoopOptions) {
    this.#options = options;
    this.#detached = new DetachedApps(options);
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#detached.stop();
  }

  #sweep(): void {
    if (this.#options.leadership.fence === undefined) return;
    const nowMs = Date.now();
    if (nowMs - this.#livenessAtMs >= LIVENESS_EVERY_MS) {
      this.#livenessAtMs = nowMs;
      this.#run('ephemeral apps', () => this.#stopAbandoned());
    }
    // Until a heartbeat has passed, containers may exist that no worker has reported yet.
    if (nowMs - this.#startedAtMs > WORKER_HEARTBEAT_MS + STOP_KNOWN_MS) this.#finishStopped(nowMs);
    if (nowMs - this.#recordsAtMs >= RECORDS_EVERY_MS) {
      this.#recordsAtMs = nowMs;
      this.#run('old records', () => this.#removeOldRecords(nowMs));
    }
  }

  async #stopAbandoned(): Promise<void> {
    const { apps, messaging, stopper } = this.#options;
    const passing = apps.all().filter(({ state }) => state === 'ephemeral' || state === 'detached');
    if (passing.length === 0 || this.#stopping) return;
    this.#stopping = true;
    try {
      const alive = await messaging.leases.alive();
      for (const { id, state } of passing) {
        if (state === 'ephemeral' && !alive.has(id)) await stopper.stop(id, 'its client has gone');
      }
      for (const { id } of await this.#detached.findDone(alive)) {
        await stopper.stop(id, 'it is detached and has nothing more to do');
      }
    } finally {
      this.#stopping = false;
    }
  }

  #finishStopped(nowMs: number): void {
    const stopped = this.#options.functions.all().filter((record) => record.stopped);
    if (stopped.length === 0) return;
    const running = new Set(this.#options.workers.containers().map(({ container }) => container.functionId));
    for (const record of stopped) {
      const sinceMs = this.#stoppedSinceMs.get(record.id) ?? nowMs;
      this.#stoppedSinceMs.set(record.id, sinceMs);
      if (nowMs - sinceMs < STOP_KNOWN_MS || running.has(record.id) || this.#finishing.has(record.id))
        continue;
      this.#finishing.add(record.id);
      this.#run('a stopped function', () => this.#finish(record));
    }
  }

  async #finish(record: FunctionRecord): Promise<void> {
    try {
      await this.#options.stopper.finish(record);
      this.#stoppedSinceMs.delete(record.id);
    } finally {
      this.#finishing.delete(record.id);
    }
  }

  async #removeOldRecords(nowMs: number): Promise<void> {
    const { registry } = this.#options.messaging;
    for (const app of this.#options.apps.all()) {
      if (app.state !== 'stopped' || nowMs - (app.stoppedAtMs ?? nowMs) < STOPPED_APPS_KEPT_MS) continue;
      for (let version = 1; version <= app.version; version++) {
        await registry.delete(registryKeys.deployment(app.id, version));
      }
      await registry.delete(registryKeys.app(app.id));
    }
  }

  #run(what: string, act: () => Promise<void>): void {
    act().catch((err: unknown) => this.#options.log.warn({ err }, `tidying up ${what}`));
  }
}
