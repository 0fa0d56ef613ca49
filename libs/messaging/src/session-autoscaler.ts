import {
  assertAutoscalerSettings,
  assertPoolOptions,
  type AutoscalerRecord,
  type ClientMessage,
  completeParameters,
  type FunctionRecord,
  type FunctionStats,
  GantryError,
  inheritedSettings,
  mergeSettings,
  NotFoundError,
  poolKey,
  type PoolName,
  registryKeys,
  type StatsRequest,
  subjects,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

const ATTEMPTS = 10;

/**
 * Changes live settings. They hold until the next deploy of the app.
 *
 * @throws NotFoundError for an unknown or stopped function, InvalidError for settings out of range, or that
 * contradict those that stay.
 */
export async function updateAutoscaler(
  messaging: Messaging,
  message: Extract<ClientMessage, { type: 'autoscale' }>,
): Promise<void> {
  const { registry } = messaging;
  const { functionId, settings: change } = message;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await readFunction(messaging, functionId);
    const { pool, parameters } = await resolvePool(record, message);
    const read = (name: string) => registry.get<AutoscalerRecord>(registryKeys.autoscaler(functionId, name));
    const entry = await read(pool);
    const present = entry && settingsFor(record, entry.value);
    const shared = pool === functionId ? undefined : await read(functionId);
    const { options } = message;
    const live = (shared && settingsFor(record, shared.value)) ?? {};
    const ofFunction = inheritedSettings(mergeSettings(record.spec.options, live), options);
    const base = mergeSettings(ofFunction, options ?? {});
    const subject = `the autoscaler of "${record.spec.name}"`;
    assertAutoscalerSettings(subject, change, mergeSettings(base, present ?? {}));
    const settings = mergeSettings(present ?? {}, change);
    const poolRecord = { functionId, pool, parameters, ...(options && { options }) };
    // Whoever stops the function later finds the pools to clear by these records.
    if (pool !== functionId) await registry.create(registryKeys.pool(functionId, pool), poolRecord);
    const next: AutoscalerRecord = { ...poolRecord, version: record.version, settings };
    const key = registryKeys.autoscaler(functionId, pool);
    const done = entry ? await registry.update(key, next, entry.revision) : await registry.create(key, next);
    if (done) return;
  }
  throw new GantryError('CONFLICT', 'the autoscaler was changed by others at the same time', {
    hint: 'Try again.',
  });
}

/** Asks a server how a function, or one of its pools, is. */
export async function readStats(
  messaging: Messaging,
  message: Extract<ClientMessage, { type: 'stats' }>,
): Promise<FunctionStats> {
  const { functionId } = message;
  const { pool } = await resolvePool(await readFunction(messaging, functionId), message);
  const request: StatsRequest = { functionId, pool: pool === functionId ? undefined : pool };
  return await messaging.request<FunctionStats>(subjects.functionStats, request);
}

async function readFunction({ registry }: Messaging, functionId: string): Promise<FunctionRecord> {
  const entry = await registry.get<FunctionRecord>(registryKeys.function(functionId));
  if (entry && !entry.value.stopped) return entry.value;
  throw new NotFoundError(`function "${functionId}" does not run`, {
    hint: 'It may have been removed by a later deploy: look it up again.',
  });
}

async function resolvePool(
  record: FunctionRecord,
  { functionId, parameters, options }: PoolName,
): Promise<Pick<AutoscalerRecord, 'pool' | 'parameters'>> {
  if (options) assertPoolOptions(options);
  const { name, parameters: specs } = record.spec;
  // Without parameters, settings hold for the whole class; so they need not be complete.
  const complete = parameters || options ? completeParameters(name, specs, parameters ?? {}) : {};
  return { pool: await poolKey(functionId, complete, options), parameters: complete };
}

function settingsFor(
  record: FunctionRecord,
  live: AutoscalerRecord,
): AutoscalerRecord['settings'] | undefined {
  return live.version === record.version ? live.settings : undefined;
}
