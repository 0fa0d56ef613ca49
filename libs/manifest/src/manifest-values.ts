import {
  assertApart,
  assertBucketMount,
  type BucketMountSpec,
  isCustomDomain,
  mountPath,
  volumePath,
} from '@gantry/protocol';

const PLAIN_TYPES = new Set([
  'string',
  'number',
  'integer',
  'boolean',
  'bigint',
  'date',
  'bytes',
  'unknown',
  'request',
  'form',
  'file',
]);

/** Path of an endpoint: `/`, or segments, of which those with a colon are parameters. */
export const ROUTE_PATH = /^(\/|(\/(:\w+|[\w.~-]+))+)$/;

const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** True for a TypeSpec of the protocol, all the way down. */
export function isTypeSpec(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, nullable } = value;
  if (typeof type !== 'string' || ![undefined, true].includes(nullable as true | undefined)) return false;
  if (type === 'enum')
    return isListOf(value['values'], (item) => typeof item === 'string' || typeof item === 'number');
  if (type === 'array') return isTypeSpec(value['items']);
  if (type === 'object') return isListOf(value['fields'], isField);
  return PLAIN_TYPES.has(type);
}

/** True for at least one domain, each named once. */
export function areCustomDomains(value: unknown): boolean {
  const isDomain = (item: unknown): boolean => typeof item === 'string' && isCustomDomain(item);
  return isFilledList(value, isDomain) && new Set(value as string[]).size === (value as string[]).length;
}

/** True for a positive number, or a request and a limit that is not below it. */
export function isRangeOrNumber(value: unknown): boolean {
  if (isPositive(value)) return true;
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [request, limit] = value as unknown[];
  return isPositive(request) && isPositive(limit) && request <= limit;
}

/** True for an object whose values are all text. */
export function isStringRecord(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

/** True for names of headers by names of parameters. */
export function isHeaderNames(value: unknown): boolean {
  return (
    isRecord(value) && Object.values(value).every((item) => typeof item === 'string' && HEADER.test(item))
  );
}

/** True for a SecretRef of the protocol. */
export function isSecretRef(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, name, environment, requiredKeys, index } = value;
  if (type === 'inline') return Number.isInteger(index) && Number(index) >= 0;
  if (type !== 'named' || !isName(name)) return false;
  if (environment !== undefined && !isName(environment)) return false;
  return requiredKeys === undefined || isListOf(requiredKeys, (key) => typeof key === 'string');
}

/** True for the volumes of one function: paths in their form, none inside of another. */
export function isVolumeMounts(value: unknown): boolean {
  return isFilledList(value, isVolumeMount) && areApart(value as { path: string }[]);
}

/** True for the buckets of one function: paths in their form, none inside of another. */
export function isBucketMounts(value: unknown): boolean {
  return isFilledList(value, isBucketMount) && areApart(value as { path: string }[]);
}

function areApart(mounts: readonly { path: string }[]): boolean {
  return passes(() => {
    assertApart(
      'volumes',
      mounts.map(({ path }) => path),
    );
  });
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function isBucketMount(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { path, secret, readOnly, requesterPays } = value;
  if (typeof path !== 'string' || !passes(() => mountPath(path)) || mountPath(path) !== path) return false;
  if (![readOnly, requesterPays].every((flag) => flag === undefined || flag === true)) return false;
  if (secret !== undefined && !isSecretRef(secret)) return false;
  return passes(() => assertBucketMount(value as unknown as BucketMountSpec));
}

function isVolumeMount(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { path, name, environment, createIfMissing, readOnly, shared, subPath } = value;
  if (typeof path !== 'string' || !isName(name)) return false;
  if (environment !== undefined && !isName(environment)) return false;
  if (![createIfMissing, readOnly, shared].every((flag) => flag === undefined || flag === true)) return false;
  try {
    return mountPath(path) === path && (subPath === undefined || volumePath(subPath as string) === subPath);
  } catch {
    return false;
  }
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value);
}

function isField(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return (
    typeof value['name'] === 'string' && typeof value['optional'] === 'boolean' && isTypeSpec(value['type'])
  );
}

/** True for a label of workers. */
export function isLabel(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value);
}

/** True for a list with something in it, of what satisfies the check. */
export function isFilledList(value: unknown, check: (item: unknown) => boolean): boolean {
  return isListOf(value, check) && (value as unknown[]).length > 0;
}

/** True for a list of what satisfies the check. */
export function isListOf(value: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
