import type { RetriesSpec } from '@gantry/protocol';

/** Delay before the `retry`-th further attempt (the first is 1), or undefined when none is left. */
export function retryDelayMs(policy: RetriesSpec | undefined, retry: number): number | undefined {
  if (!policy || retry > policy.maxRetries) return undefined;
  return Math.min(policy.initialDelayMs * policy.backoffCoefficient ** (retry - 1), policy.maxDelayMs);
}
