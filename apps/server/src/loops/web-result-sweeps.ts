import type { Registry } from '@gantry/messaging';
import { LIMITS, registryKeys, type WebResultRecord } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { RepeatedSweep } from './repeated-sweep.ts';

export interface WebResultSweepOptions {
  messaging: { registry: Pick<Registry, 'list' | 'delete'> };
  log: Logger;
}

/** Removes the answers of long web requests after their time while this server leads. */
export function startWebResultSweeps(options: WebResultSweepOptions): RepeatedSweep {
  return new RepeatedSweep({
    sweep: (signal) => sweepWebResults(options, { nowMs: Date.now(), signal }),
    what: 'answers of long web requests whose time is over',
    log: options.log,
  });
}

/**
 * Removes the records that are older than 7 days; returns how many. The bodies are values of the day on which they were
 * stored, which is later, and go with them.
 */
export async function sweepWebResults(
  { messaging: { registry } }: WebResultSweepOptions,
  { nowMs, signal }: { nowMs: number; signal?: AbortSignal },
): Promise<number> {
  const oldestMs = nowMs - LIMITS.outputRetentionMs;
  let removed = 0;
  for (const { key, value } of await registry.list<WebResultRecord>(registryKeys.allWebResults)) {
    if (signal?.aborted) return removed;
    if (value.createdAtMs >= oldestMs) continue;
    await registry.delete(key);
    removed++;
  }
  return removed;
}
