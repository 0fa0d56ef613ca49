import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { end, freePort, run, temporaryDirectory } from '../processes.ts';

const FLAGS = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--bind', '127.0.0.1'];

/**
 * A Redis that syncs every write to this machine's disk, and listens on the loopback of a network namespace: of a container,
 * so that its code reaches it as a plain process reaches one of its machine, with no link, route or translation between.
 *
 * @param network - As the kernel names it, such as `net:[4026531840]`.
 */
export async function startRedis(network: string): Promise<AsyncDisposable & { port: number }> {
  const directory = await temporaryDirectory();
  const port = await freePort();
  const [program = '', ...entering] = [...entrance(network), 'redis-server'];
  const args = [...entering, ...FLAGS, '--port', String(port), '--dir', directory.path];
  const redis = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(redis, 'spawn');
  const ping = [...entrance(network), 'redis-cli', '-p', String(port), 'ping'];
  while (!(await answers(ping))) {
    if (redis.exitCode !== null) throw new Error(`redis-server ended with ${redis.exitCode}`);
    await delay(50);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      await end(redis);
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function answers([program = '', ...args]: string[]): Promise<boolean> {
  const output = await run('/bin/sh', ['-c', '"$@" 2>&1 || true', 'sh', program, ...args]);
  return output.startsWith('PONG');
}

/** What comes before a program so that it runs in the namespace: nothing for our own. */
function entrance(network: string): string[] {
  if (readlinkSync('/proc/self/ns/net') === network) return [];
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && networkOf(name) === network);
  if (pid === undefined) throw new Error(`no process has the network "${network}"`);
  return ['nsenter', '--target', pid, '--net'];
}

function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // It has ended, or is another user's.
    return undefined;
  }
}
