import { InvalidError } from './errors.ts';
import type { FunctionOptionsSpec } from './manifest.ts';

const KEYS = [
  'timeoutMs',
  'maxContainers',
  'bufferContainers',
  'scaledownWindowMs',
  'cpu',
  'memoryMiB',
  'retries',
  'maxInputs',
  'targetInputs',
  'batching',
] as const;

/** Options of a class that a caller replaces for calls of its own: they get a pool of their own. */
export type PoolOptions = Pick<FunctionOptionsSpec, (typeof KEYS)[number]>;

/** Options that callers may replace. `minContainers` is not among them: a caller keeps nothing running. */
export const POOL_OPTION_KEYS: readonly string[] = KEYS;

/**
 * What a pool takes over of its function's settings: without `minContainers` if a caller replaced options, or every
 * set of options that somebody tries would be kept running for good.
 */
export function inheritedSettings<T extends { minContainers?: number | undefined }>(
  settings: T,
  replaced: PoolOptions | undefined,
): T {
  return replaced ? { ...settings, minContainers: undefined } : settings;
}

const WHOLE = new Set<string>(['maxContainers', 'bufferContainers', 'maxInputs', 'targetInputs']);

/**
 * Checks options that came over the wire.
 *
 * @throws {@link InvalidError}
 */
export function assertPoolOptions(options: PoolOptions): void {
  for (const [key, value] of Object.entries(options) as [string, unknown][]) {
    if (!POOL_OPTION_KEYS.includes(key)) {
      throw new InvalidError(`the option "${key}" cannot be replaced by a caller`, {
        hint: `Options that can: ${POOL_OPTION_KEYS.join(', ')}.`,
      });
    }
    if (
      typeof value === 'number'
        ? !(value >= 0) || (WHOLE.has(key) && !Number.isInteger(value))
        : !isParts(value)
    ) {
      throw new InvalidError(`the option "${key}" has no valid value`);
    }
  }
}

// A pair of numbers, or numbers by name.
function isParts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((part) => typeof part === 'number' && part >= 0);
}
