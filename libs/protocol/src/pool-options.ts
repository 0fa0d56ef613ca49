import { assertBucketMount, type BucketMountSpec } from './bucket-mount.ts';
import { InvalidError } from './errors.ts';
import { isId } from './ids.ts';
import type { FunctionOptionsSpec } from './manifest.ts';
import {
  BATCHING_RANGES,
  CONCURRENCY_RANGES,
  isInRange,
  OPTION_RANGES,
  RETRY_RANGES,
  type OptionRange,
} from './option-ranges.ts';
import { volumePath } from './volume.ts';
import { assertApart, mountPath } from './volume-mount.ts';

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
  'secrets',
  'volumes',
  'buckets',
] as const;

/**
 * Options of a class that a caller replaces for calls of its own: they get a pool of their own. When they travel, volumes
 * are {@link VolumeMount}s: the caller has found them.
 */
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

type Check = (value: unknown) => boolean;

const within =
  (range: OptionRange): Check =>
  (value) =>
    isInRange(value, range);
const isAmount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value > 0;
/** An amount, or a request and a limit that is not below it. */
const isRange: Check = (value) => {
  if (!Array.isArray(value)) return isAmount(value);
  const [request, limit] = value as unknown[];
  return value.length === 2 && isAmount(request) && isAmount(limit) && Number(request) <= Number(limit);
};
const parts =
  (ranges: Readonly<Record<string, OptionRange>>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).every((key) => Object.hasOwn(ranges, key)) &&
    Object.entries(ranges).every(([key, range]) => isInRange(value[key], range));

// Values that a caller has at hand would have to be kept for a pool that never ends.
const isNamedSecret: Check = (value) =>
  isObject(value) && value['type'] === 'named' && typeof value['name'] === 'string';

const passes = (check: () => unknown): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};
const isPlace = (path: unknown): boolean => typeof path === 'string' && passes(() => mountPath(path));
const isFoundVolume: Check = (value) => {
  if (!isObject(value)) return false;
  const { path, name, environment, volumeId, subPath } = value;
  const isNamed = [name, environment].every((text) => typeof text === 'string' && text !== '');
  const isWithin =
    subPath === undefined || (typeof subPath === 'string' && passes(() => volumePath(subPath)));
  return isPlace(path) && isNamed && isWithin && typeof volumeId === 'string' && isId(volumeId, 'vo');
};
const isBucket: Check = (value) =>
  isObject(value) &&
  isPlace(value['path']) &&
  (value['secret'] === undefined || isNamedSecret(value['secret'])) &&
  passes(() => assertBucketMount(value as unknown as BucketMountSpec));
const mountsOf =
  (isMount: Check): Check =>
  (value) =>
    Array.isArray(value) &&
    value.every(isMount) &&
    passes(() =>
      assertApart(
        'volumes',
        value.map(({ path }: { path: string }) => path),
      ),
    );

const CHECKS: Record<(typeof KEYS)[number], Check> = {
  timeoutMs: within(OPTION_RANGES.timeoutMs),
  maxContainers: within(OPTION_RANGES.maxContainers),
  bufferContainers: within(OPTION_RANGES.bufferContainers),
  scaledownWindowMs: within(OPTION_RANGES.scaledownWindowMs),
  cpu: isRange,
  memoryMiB: isRange,
  retries: parts(RETRY_RANGES),
  maxInputs: within(CONCURRENCY_RANGES.maxInputs),
  targetInputs: within(CONCURRENCY_RANGES.targetInputs),
  batching: parts(BATCHING_RANGES),
  secrets: (value) => Array.isArray(value) && value.every(isNamedSecret),
  volumes: mountsOf(isFoundVolume),
  buckets: mountsOf(isBucket),
};

/**
 * Checks options that came over the wire.
 *
 * @throws {@link InvalidError} naming the first that callers cannot replace, or that is out of range.
 */
export function assertPoolOptions(options: PoolOptions): void {
  if (!isObject(options)) throw new InvalidError('replaced options must be an object');
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, key)) {
      throw new InvalidError(`the option "${key}" cannot be replaced by a caller`, {
        hint: `Options that can: ${POOL_OPTION_KEYS.join(', ')}.`,
      });
    }
    if (value !== undefined && !CHECKS[key as keyof PoolOptions](value)) {
      throw new InvalidError(`the option "${key}" has no valid value: ${JSON.stringify(value)}`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
