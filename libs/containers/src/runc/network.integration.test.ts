import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readlinkSync } from 'node:fs';

import { expect, it, vi } from 'vitest';

import { attachNetwork } from './network.ts';
import { findRuncProblem } from './requirements.ts';

vi.mock('node:crypto', async (original) => ({ ...(await original<object>()), randomInt: vi.fn() }));

const isRoot = process.getuid?.() === 0;

/** A process that lives as long as its test, in a network namespace of its own. */
async function ownNetwork(): Promise<ChildProcess & { pid: number }> {
  const child = spawn('unshare', ['--net', 'sleep', '600']) as ChildProcess & { pid: number };
  const networkOf = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/net`);
  await expect.poll(() => networkOf(child.pid) !== networkOf('self'), { timeout: 30_000 }).toBe(true);
  return child;
}

it.skipIf(!isRoot || findRuncProblem())(
  'a container whose link another one has gets the next, and what goes wrong is said without the script',
  async () => {
    const first = 0x100 + (process.pid % 0xf000);
    const numbers = [first, first, first + 1, first + 2];
    vi.mocked(randomInt).mockImplementation((() => numbers.shift() ?? 0) as never);
    const [one, other] = await Promise.all([ownNetwork(), ownNetwork()]);
    try {
      await attachNetwork(one.pid);
      await attachNetwork(other.pid);
      const addressOf = ({ pid }: { pid: number }): string =>
        String(execFileSync('nsenter', ['--target', String(pid), '--net', 'ip', '-4', '-brief', 'addr']));
      const address = (number: number): string => `10.203.${number >> 8}.${number & 0xff}/32`;
      expect(addressOf(one)).toContain(address(first));
      expect(addressOf(other)).toContain(address(first + 1));
      await expect(attachNetwork(2 ** 22 + 1)).rejects.toThrow(
        /^"\/bin\/sh -e -c … gantry … … \d+" failed: ./,
      );
    } finally {
      one.kill();
      other.kill();
    }
  },
);
