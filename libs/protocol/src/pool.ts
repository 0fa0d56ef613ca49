import { encodeCanonical } from './codec.ts';
import { InvalidError } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { ParameterSpec } from './manifest.ts';
import type { PoolOptions } from './pool-options.ts';

/** Class parameters by name, defaults filled in. */
export type ClassParameters = Readonly<Record<string, string | number | bigint | boolean | Uint8Array>>;

/**
 * The set of containers that can serve a call: one per function, and per distinct parameters of a class and
 * options that callers replace.
 *
 * Keys are safe as a NATS subject token and as a consumer name: the function id, then for classes with
 * parameters a dash and 16 hex digits over their canonical encoding.
 */
export async function poolKey(
  functionId: string,
  parameters: ClassParameters = {},
  options: PoolOptions = {},
): Promise<string> {
  const hasOptions = Object.keys(options).length > 0;
  if (Object.keys(parameters).length === 0 && !hasOptions) return functionId;
  const encoded = encodeCanonical(
    hasOptions ? { ...parameters, [OPTIONS_KEY]: canonicalOptions(options) } : parameters,
  );
  const hash = await crypto.subtle.digest('SHA-256', encoded as Uint8Array<ArrayBuffer>);
  const digits = Array.from(new Uint8Array(hash, 0, 8), (byte) => byte.toString(16).padStart(2, '0'));
  return `${functionId}-${digits.join('')}`;
}

/** The pool of a container that is there for a shell: it has no other, and nothing ever waits for it. */
export function shellPool(functionId: string, containerId: string): string {
  return `${functionId}-${containerId}`;
}

export function isShellPool(pool: string): boolean {
  return /-ta-[^-]+$/.test(pool);
}

// No parameter can have this name.
const OPTIONS_KEY = ' options';

function canonicalOptions(options: PoolOptions): string {
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
      : value;
  return JSON.stringify((sorted(options) as [string, unknown][]).map(([key, value]) => [key, sorted(value)]));
}

/**
 * Checks class parameters and fills in defaults, so that `X()` and `X({ lang: 'eng' })` share a pool.
 *
 * @throws {@link InvalidError} on an unknown or missing parameter, a wrong type (nothing is cast), or more
 * than 16 KiB in all.
 */
export function completeParameters(
  className: string,
  specs: readonly ParameterSpec[],
  given: Readonly<Record<string, unknown>>,
): ClassParameters {
  const complete: Record<string, string | number | bigint | boolean | Uint8Array> = {};
  for (const name of Object.keys(given)) {
    if (!specs.some((spec) => spec.name === name)) {
      throw new InvalidError(`class "${className}" has no parameter "${name}"`, {
        hint: `Its parameters: ${specs.map((spec) => spec.name).join(', ') || 'none'}.`,
      });
    }
  }
  for (const spec of specs) {
    const value = given[spec.name] ?? spec.defaultValue;
    if (value === undefined) {
      if (spec.optional) continue;
      throw new InvalidError(`class "${className}" needs the parameter "${spec.name}"`, {
        hint: `Pass it: instance(${className}, { ${spec.name}: ... }).`,
      });
    }
    if (!hasType(value, spec)) {
      throw new InvalidError(
        `parameter "${spec.name}" of class "${className}" must be ${describeType(spec)}, not ${describeValue(value)}`,
        { hint: 'Values are not converted: pass the declared type.' },
      );
    }
    complete[spec.name] = canonical(value as ClassParameters[string], spec);
  }
  if (encodeCanonical(complete).length > LIMITS.classParametersBytes) {
    throw new InvalidError(`the parameters of class "${className}" exceed 16 KiB`, {
      hint: 'Pass large values as method arguments, or by reference.',
    });
  }
  return complete;
}

function describeType({ type }: ParameterSpec): string {
  return type.type === 'enum'
    ? `one of ${type.values.map((value) => JSON.stringify(value)).join(', ')}`
    : type.type;
}

function describeValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 50)) : typeof value;
}

// 3 and 3n are one integer, 0 and -0 one number: they mean the same containers.
function canonical(value: ClassParameters[string], { type }: ParameterSpec): ClassParameters[string] {
  if (type.type === 'integer' && typeof value === 'bigint' && Number.isSafeInteger(Number(value))) {
    return Number(value);
  }
  return value === 0 ? 0 : value;
}

function hasType(value: unknown, spec: ParameterSpec): boolean {
  switch (spec.type.type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return typeof value === 'bigint' || Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'bigint':
      return typeof value === 'bigint';
    case 'boolean':
      return typeof value === 'boolean';
    case 'bytes':
      return value instanceof Uint8Array;
    case 'enum':
      return spec.type.values.includes(value as string | number);
    default:
      return false;
  }
}
