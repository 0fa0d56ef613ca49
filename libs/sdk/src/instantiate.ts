import { InvalidError } from '@gantry/protocol';

import type { ClassRegistration, Construct } from './registry.ts';

/**
 * A fresh instance of a registered class, before its parameters are set.
 *
 * @throws {@link InvalidError} if `construct` gives something else. Whatever the constructor throws.
 */
export async function instantiate({
  name,
  target,
  construct,
}: Pick<ClassRegistration, 'name' | 'target' | 'construct'>): Promise<Record<string, unknown>> {
  const instance: unknown = construct ? await construct(target as Parameters<Construct>[0]) : new target();
  if (typeof instance === 'object' && instance !== null) return instance as Record<string, unknown>;
  throw new InvalidError(`construct made no instance of class "${name}", but ${String(instance)}`, {
    hint: 'Return the instance: construct: (type) => container.resolve(type).',
  });
}
