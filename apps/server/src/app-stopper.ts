import { type FunctionDirectory, type Messaging, poolsOfFunction } from '@gantry/messaging';
import type { InlineSecrets } from '@gantry/secrets';
import {
  type AppRecord,
  type FunctionRecord,
  InputCancellation,
  NotFoundError,
  type Outcome,
  registryKeys,
  type RouteRecord,
  toWireError,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { AppDirectory } from './app-directory.ts';
import type { FailedInputs } from './failed-inputs.ts';

export interface AppStopperOptions {
  messaging: Messaging;
  apps: AppDirectory;
  functions: FunctionDirectory;
  failed: FailedInputs;
  inlineSecrets: Pick<InlineSecrets, 'deleteAll'>;
  log: Logger;
}

/**
 * Ends apps and functions, in two steps.
 *
 * The first marks the records as stopped, so that servers, workers and gateways take no more work; frees name
 * and routes; forgets the values of inline secrets; and answers what waits. What runs is finished by its containers, which the scheduler drains.
 * The second, when no container is left, answers what remained and removes pools and records.
 */
export class AppStopper {
  readonly #options: AppStopperOptions;

  constructor(options: AppStopperOptions) {
    this.#options = options;
  }

  /** First step for a whole app. Harmless to repeat. */
  async stop(appId: string, reason: string): Promise<AppRecord> {
    const app = await this.#markStopped(appId, reason);
    const { registry } = this.#options.messaging;
    if (app.name !== undefined) {
      const key = registryKeys.appName(app.environment, app.name);
      const named = await registry.get<{ appId: string }>(key);
      if (named?.value.appId === appId) await registry.delete(key);
    }
    const records = await registry.list<FunctionRecord>(registryKeys.allFunctions);
    const own = records.map(({ value }) => value).filter((record) => record.appId === appId);
    await Promise.all(own.map((record) => this.retire(record)));
    await this.#options.inlineSecrets.deleteAll(appId);
    this.#options.log.info({ appId, reason }, 'app stopped');
    return app;
  }

  /** First step for one function. */
  async retire(record: FunctionRecord): Promise<void> {
    const { messaging, log } = this.#options;
    if (!record.stopped)
      await messaging.registry.put(registryKeys.function(record.id), { ...record, stopped: true });
    await this.freeRoutes(record.appId, record.id);
    // Not waited for: containers may take their time, callers of the API should not.
    this.#failWaiting(record).catch((err: unknown) =>
      log.warn({ err, functionId: record.id }, 'waiting inputs'),
    );
  }

  /** Second step, when none of the function's containers is left. */
  async finish(record: FunctionRecord): Promise<void> {
    const { messaging, failed } = this.#options;
    const present = await messaging.registry.get<FunctionRecord>(registryKeys.function(record.id));
    // A later deploy may have brought the function back.
    if (!present?.value.stopped) return;
    for (const pool of await poolsOfFunction(messaging, record.id)) {
      await failed.failAll(pool, stoppedOutcome(record));
      await messaging.inputs.removePool(pool);
      if (pool !== record.id) await messaging.registry.delete(registryKeys.pool(record.id, pool));
    }
    for (const { key } of await messaging.registry.list(registryKeys.functionAutoscalers(record.id)))
      await messaging.registry.delete(key);
    await messaging.registry.delete(registryKeys.function(record.id));
  }

  /** Removes the routes of a function that still lead to it, but for those in `keep`. */
  async freeRoutes(appId: string, functionId: string, keep: ReadonlySet<string> = new Set()): Promise<void> {
    const { registry } = this.#options.messaging;
    const routes = await registry.list<RouteRecord>(registryKeys.allRoutes);
    const own = routes.filter(
      ({ value }) => value.appId === appId && value.functionId === functionId && !keep.has(value.host),
    );
    await Promise.all(own.map(({ key }) => registry.delete(key)));
  }

  async #failWaiting(record: FunctionRecord): Promise<void> {
    const { messaging, failed } = this.#options;
    for (const pool of await poolsOfFunction(messaging, record.id))
      await failed.failWaiting(pool, stoppedOutcome(record));
  }

  async #markStopped(appId: string, reason: string): Promise<AppRecord> {
    const { registry } = this.#options.messaging;
    const key = registryKeys.app(appId);
    for (;;) {
      const entry = await registry.get<AppRecord>(key);
      if (!entry) throw new NotFoundError(`app "${appId}" does not exist`);
      if (entry.value.state === 'stopped') return entry.value;
      const stopped: AppRecord = {
        ...entry.value,
        state: 'stopped',
        stoppedAtMs: Date.now(),
        stopReason: reason,
      };
      if (await registry.update(key, stopped, entry.revision)) return stopped;
    }
  }
}

function stoppedOutcome(record: FunctionRecord): Outcome {
  const error = new InputCancellation(
    `the app of function "${record.spec.name}" was stopped before this input ran`,
    { hint: 'Deploy or run the app again.' },
  );
  return { type: 'failure', failure: toWireError(error) };
}
