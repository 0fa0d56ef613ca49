import { registryKeys } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { workspaceNumber } from './workspace-number.ts';

/** A registry in memory, in which others were faster once. */
function registryWith(faster?: unknown) {
  const entries = new Map<string, unknown>();
  return {
    get: async <T>(key: string) =>
      Promise.resolve(entries.has(key) ? { value: entries.get(key) as T, revision: 1 } : undefined),
    create: async (key: string, value: unknown) => {
      entries.set(key, faster ?? value);
      return Promise.resolve(faster === undefined);
    },
    entries,
  };
}

it('the number of a workspace is chosen once, of 32 bits, and the same for all who ask', async () => {
  const registry = registryWith();
  const first = await workspaceNumber(registry);
  expect(first).toBeGreaterThanOrEqual(0);
  expect(first).toBeLessThan(2 ** 32);
  expect(await workspaceNumber(registry)).toBe(first);
  expect(registry.entries.get(registryKeys.privateNetwork)).toEqual({ workspace: first });
  expect(await workspaceNumber(registryWith())).not.toBe(first);
});

it('the number of a workspace is that of who was faster', async () => {
  expect(await workspaceNumber(registryWith({ workspace: 7 }))).toBe(7);
});
