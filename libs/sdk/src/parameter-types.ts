import 'reflect-metadata';

import { InvalidError } from '@gantry/protocol';

import type { ClassRegistration } from './registry.ts';

/** What `typeof` says of values of these recorded types. */
const KINDS = new Map<unknown, string>([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
]);

/**
 * Checks class parameters against what decorators recorded of their fields, so that a wrong value fails where it is
 * given. Choices, and which numbers are whole, are known to the build alone: those are checked at the call.
 *
 * @throws {@link InvalidError} on a value of another type. Nothing is converted.
 */
export function checkParameterTypes(
  { name: className, target }: Pick<ClassRegistration, 'name' | 'target'>,
  parameters: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(parameters)) {
    const recorded: unknown = Reflect.getMetadata('design:type', target.prototype as object, name);
    if (value === undefined || fits(value, recorded)) continue;
    const expected = recorded === Uint8Array ? 'bytes' : KINDS.get(recorded);
    throw new InvalidError(
      `parameter "${name}" of class "${className}" must be ${String(expected)}, not ${kindOf(value)}`,
      { hint: 'Values are not converted: pass the declared type.' },
    );
  }
}

function fits(value: unknown, recorded: unknown): boolean {
  if (recorded === Uint8Array) return value instanceof Uint8Array;
  const kind = KINDS.get(recorded);
  if (recorded === Number && typeof value === 'number') return Number.isFinite(value);
  // A whole number may be a bigint, too.
  return kind === undefined || typeof value === kind || (kind === 'number' && typeof value === 'bigint');
}

function kindOf(value: unknown): string {
  const isNoNumber = typeof value === 'number' && !Number.isFinite(value);
  return value === null || isNoNumber ? String(value) : typeof value;
}
