import { registryKeys } from '@gantry/protocol';
import { beforeEach, expect, test } from 'vitest';

import { MemoryRegistry } from '../testing/memory-registry.ts';
import { BuilderChoice } from './builder-choice.ts';

let registry: MemoryRegistry;

beforeEach(() => {
  registry = new MemoryRegistry();
});

const server = (nodeVersion: string, firstVersion = 1) =>
  new BuilderChoice({ registry, firstVersion, nodeVersion });

test('the first image settles what images begin with, also for servers that have other things', async () => {
  expect(await server('24.1.0', 2).look()).toMatchObject({ suite: 'trixie', nodeVersion: '24.1.0' });
  expect(registry.writes).toBe(0);
  expect(await server('24.1.0', 2).settle()).toMatchObject({ suite: 'trixie', python: '3.13' });
  const other = server('24.2.0', 1);
  expect(await other.settle()).toMatchObject({ version: 2, nodeVersion: '24.1.0' });
  expect(await other.list()).toMatchObject({
    version: 2,
    releases: [
      { version: 1, debian: '12', nodeVersion: '24.2.0' },
      { version: 2, debian: '13', nodeVersion: '24.1.0' },
    ],
  });
});

test('of two servers that settle it at once one is right for both', async () => {
  const both = await Promise.all([server('24.1.0').settle(), server('24.2.0', 2).settle()]);
  expect(both[0]).toEqual(both[1]);
});

test('a choice is for all servers, and takes the Node of the server that was asked', async () => {
  await server('24.1.0').settle();
  expect(await server('24.2.0').choose(1)).toMatchObject({ version: 1 });
  expect(await server('24.1.0').settle()).toMatchObject({ version: 1, nodeVersion: '24.2.0' });
});

test.each([0, 3, '2', undefined, 1.5])('a version that does not exist is refused: %s', async (version) => {
  await expect(server('24.1.0').choose(version)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    hint: expect.stringContaining('There are 1, 2') as unknown,
  });
  expect(registry.writes).toBe(0);
});

test('a version of a newer server is no reason to build something else', async () => {
  await registry.put(registryKeys.imageBuilder, { version: 9, nodeVersion: '30.0.0', changedAtMs: 1 });
  await expect(server('24.1.0').settle()).rejects.toThrow('does not know version 9');
});
