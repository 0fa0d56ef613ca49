import {
  InvalidError,
  mergeSettings,
  mountLists,
  POOL_OPTION_KEYS,
  type PoolOptions,
  type RetriesSpec,
  type SecretRef,
} from '@gantry/protocol';

import { checkBatchedOptions, checkConcurrentOptions, checkResourceOptions } from './option-checks.ts';
import type { BatchedOptions, ConcurrentOptions, ResourceOptions, RetryPolicy } from './options.ts';
import type { Secret } from './secret.ts';
import { mountsByPath } from './volumes/mount-checks.ts';

/**
 * Options of a function or class that its callers may replace. `minContainers` is not among them: whoever calls does not
 * decide what is kept running.
 */
export type ReplaceableOptions = Pick<
  ResourceOptions,
  | 'timeoutMs'
  | 'maxContainers'
  | 'bufferContainers'
  | 'scaledownWindowMs'
  | 'cpu'
  | 'memoryMiB'
  | 'retries'
  | 'secrets'
  | 'volumes'
>;

/** What has other ways to be replaced. */
const NOT_WRITTEN = ['batching', 'maxInputs', 'targetInputs', 'buckets'];

/** @throws {@link InvalidError} on options that cannot be replaced, or are out of range. */
export function replaceOptions(before: PoolOptions, options: ReplaceableOptions): PoolOptions {
  for (const key of Object.keys(options)) {
    if (POOL_OPTION_KEYS.includes(key) && !NOT_WRITTEN.includes(key)) continue;
    throw new InvalidError(`withOptions: the option "${key}" cannot be replaced by a caller`, {
      hint: 'Set it in the code, and deploy. For places and batches there are withConcurrency and withBatching.',
    });
  }
  checkResourceOptions('withOptions', options);
  const { retries, secrets, volumes, ...others } = options;
  const specs = { retries: retriesSpec(retries), secrets: secrets?.map(namedRef), ...mountSpecs(volumes) };
  return mergeSettings<PoolOptions>(before, { ...others, ...specs });
}

/** All that the function has, as secrets are. */
function mountSpecs(given: ReplaceableOptions['volumes']): Pick<PoolOptions, 'volumes' | 'buckets'> {
  if (given === undefined) return {};
  const { volumes = [], buckets = [] } = mountLists(mountsByPath('withOptions', { volumes: given }));
  for (const { secret } of buckets) if (secret?.type === 'inline') throw notNamed();
  return { volumes, buckets };
}

function namedRef(secret: Secret): SecretRef {
  if (secret.name !== undefined) return secret.toJSON();
  throw notNamed();
}

function notNamed(): InvalidError {
  return new InvalidError('withOptions: a caller can give secrets by name only', {
    hint: 'Make it with "gantry secret create", and write Secret.fromName(...).',
  });
}

/** @throws {@link InvalidError} on options out of range. */
export function replaceConcurrency(before: PoolOptions, options: ConcurrentOptions): PoolOptions {
  checkConcurrentOptions(options);
  const { maxInputs, targetInputs = maxInputs } = options;
  return mergeSettings<PoolOptions>(before, { maxInputs, targetInputs });
}

/** @throws {@link InvalidError} on options out of range. */
export function replaceBatching(before: PoolOptions, options: BatchedOptions): PoolOptions {
  checkBatchedOptions(options);
  const { maxBatchSize, waitMs } = options;
  return { ...before, batching: { maxBatchSize, waitMs } };
}

// The same defaults as for options in code, which the build step writes out.
function retriesSpec(retries: number | RetryPolicy | undefined): RetriesSpec | undefined {
  if (retries === undefined) return undefined;
  const fixed = { initialDelayMs: 1_000, backoffCoefficient: 1, maxDelayMs: 60_000 };
  if (typeof retries === 'number') return { maxRetries: retries, ...fixed };
  return { ...fixed, backoffCoefficient: 2, ...retries };
}
