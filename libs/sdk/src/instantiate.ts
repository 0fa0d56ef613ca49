import type { ClassRegistration, Construct } from './registry.ts';

/** A fresh instance of a registered class, before its parameters are set. */
export async function instantiate({
  target,
  construct,
}: Pick<ClassRegistration, 'target' | 'construct'>): Promise<Record<string, unknown>> {
  const instance = construct ? await construct(target as Parameters<Construct>[0]) : new target();
  return instance as Record<string, unknown>;
}
