import {
  DEFAULTS,
  type EnvironmentRecord,
  type EnvironmentsRecord,
  registryKeys,
  slug,
} from '@gantry/protocol';

import type { Registry } from './registry.ts';

/**
 * What a platform begins with: `main`, and, where an earlier version took every name for an environment, those that
 * something is in. Their ids are their names, under which their objects are kept.
 */
export async function adoptedEnvironments(registry: Pick<Registry, 'list'>): Promise<EnvironmentsRecord> {
  const kept = [
    registryKeys.allApps,
    registryKeys.allVolumes,
    registryKeys.allCollections,
    registryKeys.allSecrets,
  ];
  const names = new Set<string>();
  for (const pattern of kept) {
    const found = await registry.list<{ environment?: unknown }>(pattern);
    for (const { value } of found) if (typeof value.environment === 'string') names.add(value.environment);
  }
  names.delete(DEFAULTS.environment);
  const createdAtMs = Date.now();
  const main = { id: DEFAULTS.environment, name: DEFAULTS.environment, webSuffix: '', createdAtMs };
  const environments: EnvironmentRecord[] = [main];
  for (const name of [...names].sort()) {
    const taken = new Set(environments.map(({ webSuffix }) => webSuffix));
    environments.push({ id: name, name, webSuffix: freeSuffix(slug(name), taken), createdAtMs });
  }
  return { environments, deleted: [] };
}

// Names that differ in case alone had the same host names before: one of them keeps them.
function freeSuffix(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  const base = wanted === '' ? 'environment' : wanted;
  for (let number = 2; ; number++) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`;
}
