import { expect, it } from 'vitest';

import { MemoryCheck, type Remembering } from './memory-check.ts';

const MIB = 1024 ** 2;

function container(memoryBytes: number | undefined, memoryLimitMiB: number | undefined) {
  const kills: string[] = [];
  const kill = (reason: string, message: string): void => void kills.push(`${reason}: ${message}`);
  return { use: { memoryBytes }, memoryLimitMiB, kill, kills } satisfies Remembering & { kills: string[] };
}

it('kills a container that holds more than its limit, and no other', () => {
  const [above, at, unlimited, unknown] = [
    container(257 * MIB, 256),
    container(256 * MIB, 256),
    container(9_000 * MIB, undefined),
    container(undefined, 256),
  ];
  new MemoryCheck(() => [above, at, unlimited, unknown]).check();
  expect(above.kills).toEqual(['outOfMemory: it held 257 MiB of memory, and its limit is 256 MiB']);
  expect([at.kills, unlimited.kills, unknown.kills]).toEqual([[], [], []]);
});
