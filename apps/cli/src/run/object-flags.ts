import type { ParameterSpec } from '@gantry/protocol';

import { UsageError } from '../usage-error.ts';
import { flagName } from './flags.ts';

/** How the arguments of a target are given on the command line. */
export interface FlagPlan {
  /** What flags are made of. */
  params: ParameterSpec[];
  /** The arguments, in the order of the target's parameters, from the values of the flags. */
  toArgs(values: readonly unknown[]): unknown[];
}

/**
 * A target whose one parameter is an object takes the fields of the object as flags: `{ n: number }` is `--n 5`,
 * as it would be for a parameter `n`. Where class parameters are in the way, and for any other object, a flag takes
 * JSON.
 */
export function planFlags(classParams: readonly ParameterSpec[], params: readonly ParameterSpec[]): FlagPlan {
  const [only, ...others] = params;
  const fields = only?.type.type === 'object' && !only.rest ? only.type.fields : [];
  const isClash = fields.some(({ name }) => classParams.some((each) => each.name === name));
  if (!only || others.length > 0 || fields.length === 0 || isClash) {
    return { params: [...classParams, ...params], toArgs: (values) => [...values] };
  }
  const defaults = isRecord(only.defaultValue) ? only.defaultValue : {};
  return {
    params: [...classParams, ...fields.map((field) => withDefault(field, only, defaults))],
    toArgs(values) {
      const given = fields
        .map(({ name }, at) => [name, values[classParams.length + at]] as const)
        .filter(([, value]) => value !== undefined);
      if (given.length === 0 && only.optional) return [...values.slice(0, classParams.length), undefined];
      const object = { ...defaults, ...Object.fromEntries(given) };
      assertComplete(fields, object);
      return [...values.slice(0, classParams.length), object];
    },
  };
}

/** @throws {@link UsageError} if only some of what an optional object needs is given. */
function assertComplete(fields: readonly ParameterSpec[], object: Record<string, unknown>): void {
  const missing = fields.find(({ name, optional }) => !optional && object[name] === undefined);
  if (!missing) return;
  throw new UsageError(`--${flagName(missing.name)} is missing`, {
    hint: 'Give all that is needed, or leave all of these flags out.',
  });
}

// An object that may be left out altogether makes all its fields optional.
function withDefault(
  field: ParameterSpec,
  { optional }: ParameterSpec,
  defaults: Record<string, unknown>,
): ParameterSpec {
  const value = defaults[field.name] as ParameterSpec['defaultValue'];
  return {
    ...field,
    optional: field.optional || optional,
    ...(value === undefined ? {} : { defaultValue: value }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
