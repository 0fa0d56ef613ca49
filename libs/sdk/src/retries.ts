import { checkRetries } from './option-checks.ts';
import type { RetryPolicy } from './options.ts';

/**
 * When and how often the platform tries an input again whose code failed. A plain object of the same fields does
 * as well.
 *
 * The delay before retry k is `min(initialDelayMs * backoffCoefficient ** (k - 1), maxDelayMs)`. Each attempt has
 * the whole `timeoutMs`. A plain number of retries waits 1 s before each; this waits 1, 2, 4 … s unless told
 * otherwise.
 *
 * @throws {@link InvalidError} without `maxRetries`, or with a value out of its range.
 *
 * @example
 * ```ts
 * export const fetchPage = app.function({ retries: new Retries({ maxRetries: 4 }) }, async (url: string) => …);
 * ```
 */
export class Retries implements RetryPolicy {
  readonly maxRetries: number;
  readonly initialDelayMs: number;
  readonly backoffCoefficient: number;
  readonly maxDelayMs: number;

  constructor(policy: RetryPolicy) {
    checkRetries('new Retries', policy);
    this.maxRetries = policy.maxRetries;
    this.initialDelayMs = policy.initialDelayMs ?? 1_000;
    this.backoffCoefficient = policy.backoffCoefficient ?? 2;
    this.maxDelayMs = policy.maxDelayMs ?? 60_000;
  }
}
