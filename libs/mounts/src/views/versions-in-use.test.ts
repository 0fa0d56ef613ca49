import { registryKeys, type VersionsInUse as Record } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { VersionsInUse } from './versions-in-use.ts';

function anEmptyRegistry() {
  const entries = new Map<string, Record>();
  const registry = {
    failing: false,
    put: async (key: string, value: unknown) => {
      if (registry.failing) throw new TypeError('no connection');
      entries.set(key, value as Record);
      return 1;
    },
    delete: async (key: string) => void entries.delete(key),
  };
  const versions = new VersionsInUse({ registry, holder: 'wk-1', warn: () => undefined });
  return { registry, versions, roots: () => entries.get(registryKeys.versionsInUse('wk-1'))?.roots };
}

describe('the versions that a worker has mounted', () => {
  it('are known before they are mounted, and until the last who uses them is gone', async () => {
    const { versions, roots } = anEmptyRegistry();
    await versions.add('a');
    await versions.add('b');
    await versions.add('a');
    expect(roots()).toEqual(['a', 'b']);
    versions.remove('a');
    versions.remove('b');
    await versions.add(undefined);
    await versions.add('c');
    expect(roots()).toEqual(['a', 'c']);
    versions.remove('c');
    versions.remove('a');
    await versions.close();
    expect(roots()).toBeUndefined();
  });

  it('cannot be mounted while nobody can be told', async () => {
    const { versions, roots, registry } = anEmptyRegistry();
    registry.failing = true;
    await expect(versions.add('a')).rejects.toThrow('no connection');
    registry.failing = false;
    await versions.add('b');
    expect(roots()).toEqual(['b']);
    await versions.close();
  });
});
