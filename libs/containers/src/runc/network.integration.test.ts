import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readlinkSync } from 'node:fs';

import { expect, it } from 'vitest';

import { NETWORK_SCRIPT } from './network-script.ts';
import { findRuncProblem } from './requirements.ts';
import { runTool } from './run-tool.ts';
import { KERNEL_SCRIPT, systemCalls } from './start-script.ts';

const isRoot = process.getuid?.() === 0;

/** A process that lives as long as its test, in a network namespace of its own. */
async function ownNetwork(): Promise<ChildProcess & { pid: number }> {
  const child = spawn('unshare', ['--net', 'sleep', '600']) as ChildProcess & { pid: number };
  const networkOf = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/net`);
  await expect.poll(() => networkOf(child.pid) !== networkOf('self'), { timeout: 30_000 }).toBe(true);
  return child;
}

/** As a start does it. */
function attach(pid: number, number: number): Promise<void> {
  const script = `${KERNEL_SCRIPT}${NETWORK_SCRIPT}attach(@ARGV);`;
  return runTool('perl', ['-e', script, '--', systemCalls ?? '', '', String(pid), String(number)]);
}

it.skipIf(!isRoot || findRuncProblem())(
  'a container whose link another one has gets the next, and what goes wrong is said',
  async () => {
    const first = 0x100 + (process.pid % 0xf000);
    const [one, other] = await Promise.all([ownNetwork(), ownNetwork()]);
    try {
      await attach(one.pid, first);
      await attach(other.pid, first);
      const addressOf = ({ pid }: { pid: number }): string =>
        String(execFileSync('nsenter', ['--target', String(pid), '--net', 'ip', '-4', '-brief', 'addr']));
      const address = (number: number): string => `10.203.${number >> 8}.${number & 0xff}/32`;
      expect(addressOf(one)).toContain(address(first));
      expect(addressOf(other)).toContain(address(first + 1));
      const waysOf = ({ pid }: { pid: number }): string =>
        String(execFileSync('nsenter', ['--target', String(pid), '--net', 'ip', 'route']));
      expect(waysOf(one)).toMatch(
        /^default via 169\.254\.1\.1 dev eth0 *\n169\.254\.1\.1 dev eth0 scope link *\n$/,
      );
      await expect(attach(2 ** 22 + 1, first)).rejects.toThrow(/\/ns\/net: No such file or directory$/);
    } finally {
      one.kill();
      other.kill();
    }
  },
);

it.skipIf(!isRoot || findRuncProblem())(
  'the link of a container gives its machine no address: browsers on it would give up all that they load',
  async () => {
    const number = 0x100 + ((process.pid + 0x7000) % 0xf000);
    const container = await ownNetwork();
    try {
      await attach(container.pid, number);
      const link = `gtry-${number.toString(16).padStart(4, '0')}`;
      expect(String(execFileSync('ip', ['-oneline', 'link', 'show', 'dev', link]))).toContain('state UP');
      expect(String(execFileSync('ip', ['-oneline', 'addr', 'show', 'dev', link]))).toBe('');
    } finally {
      container.kill();
    }
  },
);
