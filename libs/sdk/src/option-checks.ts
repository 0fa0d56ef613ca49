import {
  BATCHING_RANGES,
  CLUSTER_RANGES,
  CONCURRENCY_RANGES,
  InvalidError,
  isInRange,
  OPTION_RANGES,
  RETRY_RANGES,
  type OptionRange,
} from '@gantry/protocol';

import { isImage } from './image/draft-steps.ts';
import type {
  BatchedOptions,
  ClusteredOptions,
  ConcurrentOptions,
  ResourceOptions,
  RetryPolicy,
} from './options.ts';
import { checkPlacement, PLACEMENT_KEYS } from './placement-checks.ts';
import { Secret } from './secret.ts';
import { checkVolumes } from './volumes/mount-checks.ts';

const CPU_RANGE: OptionRange = { min: 0.001, max: Number.POSITIVE_INFINITY, integer: false };
const MEMORY_RANGE: OptionRange = { min: 1, max: Number.POSITIVE_INFINITY, integer: true };
const RESOURCE_KEYS = [
  ...Object.keys(OPTION_RANGES),
  'name',
  'cpu',
  'memoryMiB',
  'retries',
  'enableMemorySnapshot',
  'env',
  'image',
  'secrets',
  'volumes',
  'networkFileSystems',
  ...PLACEMENT_KEYS,
];

/**
 * Checks the options of a function or class.
 *
 * @throws {@link InvalidError} on an unknown option, or a value out of its range; the message names `subject`.
 */
export function checkResourceOptions(subject: string, options: ResourceOptions): void {
  checkKeys(subject, options, RESOURCE_KEYS);
  checkRanges(subject, options, OPTION_RANGES);
  const { minContainers, maxContainers } = options;
  if (minContainers !== undefined && maxContainers !== undefined && minContainers > maxContainers) {
    throw new InvalidError(
      `${subject}: minContainers (${minContainers}) is above maxContainers (${maxContainers})`,
      { hint: 'Lower minContainers or raise maxContainers.' },
    );
  }
  checkPair(`${subject}: cpu`, options.cpu, CPU_RANGE);
  checkPair(`${subject}: memoryMiB`, options.memoryMiB, MEMORY_RANGE);
  const { enableMemorySnapshot = false } = options;
  if (typeof enableMemorySnapshot !== 'boolean') {
    throw new InvalidError(`${subject}: enableMemorySnapshot must be true or false`);
  }
  if (options.retries !== undefined) {
    const policy = typeof options.retries === 'number' ? { maxRetries: options.retries } : options.retries;
    checkRetries(`${subject}: retries`, policy);
  }
  checkEnv(subject, options.env);
  if (options.image !== undefined && !isImage(options.image)) {
    throw new InvalidError(`${subject}: image must be an Image, not ${String(options.image)}`, {
      hint: 'Write image: Image.debianSlim().',
    });
  }
  checkSecrets(subject, options.secrets);
  checkVolumes(subject, options);
  checkPlacement(subject, options);
}

/** Checks `@concurrent` options: `1 <= targetInputs <= maxInputs`. */
export function checkConcurrentOptions(options: ConcurrentOptions): void {
  const subject = '@concurrent';
  checkKeys(subject, options, ['maxInputs', 'targetInputs']);
  if (options.maxInputs === undefined) {
    throw new InvalidError('@concurrent needs maxInputs', { hint: 'Write @concurrent({ maxInputs: 8 }).' });
  }
  checkRanges(subject, options, CONCURRENCY_RANGES);
  if (options.targetInputs !== undefined && options.targetInputs > options.maxInputs) {
    throw new InvalidError(
      `@concurrent: targetInputs (${options.targetInputs}) is above maxInputs (${options.maxInputs})`,
      { hint: 'Lower targetInputs or raise maxInputs.' },
    );
  }
}

/** Checks `@batched` options: both are required. */
export function checkBatchedOptions(options: BatchedOptions): void {
  const subject = '@batched';
  checkKeys(subject, options, ['maxBatchSize', 'waitMs']);
  for (const key of ['maxBatchSize', 'waitMs'] as const) {
    if (options[key] !== undefined) continue;
    throw new InvalidError(`${subject} needs ${key}`, {
      hint: 'Write @batched({ maxBatchSize: 32, waitMs: 50 }).',
    });
  }
  checkRanges(subject, options, BATCHING_RANGES);
}

/** Checks `@clustered` options: how many containers is not left open. */
export function checkClusteredOptions(options: ClusteredOptions): void {
  const subject = '@clustered';
  checkKeys(subject, options, ['size']);
  if (options.size === undefined) {
    throw new InvalidError(`${subject} needs size`, { hint: 'Write @clustered({ size: 2 }).' });
  }
  checkRanges(subject, options, CLUSTER_RANGES);
}

/** @throws {@link InvalidError} if `options` is no plain object, or has a key that is not in `known`. */
export function checkKeys(subject: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidError(`${subject}: options must be an object, not ${String(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new InvalidError(`${subject}: there is no option "${key}"`, {
        hint: `${likely(key, known)}Its options: ${known.join(', ')}.`,
      });
    }
  }
}

/** The one that is meant: written in another case, or without its unit. */
function likely(key: string, known: readonly string[]): string {
  const found = known.find((name) => name.toLowerCase().startsWith(key.toLowerCase()));
  return found === undefined ? '' : `Did you mean "${found}"? `;
}

function checkRanges(subject: string, options: object, ranges: Readonly<Record<string, OptionRange>>): void {
  for (const [key, range] of Object.entries(ranges)) {
    const value: unknown = Reflect.get(options, key);
    if (value !== undefined) checkRange(`${subject}: ${key}`, value, range);
  }
}

/** @throws {@link InvalidError} for anything but a number in a range. */
export function checkRange(subject: string, value: unknown, range: OptionRange): void {
  if (isInRange(value, range)) return;
  const { min, max, integer } = range;
  const kind = integer ? 'a whole number' : 'a number';
  const bounds = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidError(`${subject} must be ${kind} ${bounds}, not ${String(value)}`);
}

function checkPair(subject: string, value: unknown, range: OptionRange): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) return checkRange(subject, value, range);
  if (value.length !== 2) {
    throw new InvalidError(`${subject} must be a number or [request, limit]`);
  }
  for (const part of value) checkRange(subject, part, range);
  const [request, limit] = value as [number, number];
  if (request > limit) {
    throw new InvalidError(`${subject}: the request (${request}) is above the limit (${limit})`);
  }
}

/** Checks a policy of retries. */
export function checkRetries(subject: string, policy: RetryPolicy): void {
  checkKeys(subject, policy, Object.keys(RETRY_RANGES));
  if (policy.maxRetries === undefined) throw new InvalidError(`${subject} needs maxRetries`);
  checkRanges(subject, policy, RETRY_RANGES);
}

/** Checks a list of secrets, if there is one. */
export function checkSecrets(subject: string, secrets: unknown): void {
  if (secrets === undefined) return;
  if (Array.isArray(secrets) && secrets.every((secret) => secret instanceof Secret)) return;
  throw new InvalidError(`${subject}: secrets must be a list of secrets`, {
    hint: "Write secrets: [Secret.fromName('db')].",
  });
}

function checkEnv(subject: string, env: Readonly<Record<string, string>> | undefined): void {
  for (const [name, value] of Object.entries(env ?? {})) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || typeof value !== 'string') {
      throw new InvalidError(`${subject}: "${name}" is no valid environment variable with a text value`);
    }
    if (name.startsWith('GANTRY_')) {
      throw new InvalidError(`${subject}: the environment variable "${name}" is reserved`, {
        hint: 'Choose a name that does not start with GANTRY_.',
      });
    }
  }
}
