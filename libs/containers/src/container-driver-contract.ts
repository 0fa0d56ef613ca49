import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { isRunning, waitUntil } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Container, ContainerDriver, StartOptions } from './container-driver.ts';
import { describeExec } from './exec/exec-contract.ts';

/** How the contract suite makes the driver it examines. */
export interface DriverUnderTest {
  name: string;
  /** How many containers it has started ahead, each a run of the suite. @defaultValue none, and one */
  prewarm?: readonly number[];
  /** The machine sees no processes of a container but the one of {@link Container.pid}. @defaultValue it sees them all */
  isSandbox?: boolean;
  /** Whether it can show folders to containers that run. @defaultValue it can */
  showsFolders?: boolean;
  /** A driver whose containers run the Node program at `runnerPath` as their first process. */
  create(options: { dataDir: string; runnerPath: string; prewarm: number }): ContainerDriver;
}

// Says hello, then obeys one-word orders from the channel.
const OBEDIENT_RUNNER = `
import { readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { spawn } from 'node:child_process';
const channel = new Socket({ fd: 3 });
process.on('SIGTERM', () => channel.write('terminated '));
channel.on('data', (data) => {
  const [order, argument] = String(data).trim().split(' ');
  if (order === 'echo') channel.write('echo:' + argument + ' ');
  if (order === 'cwd') { process.chdir('.'); channel.write('cwd:' + process.cwd() + ' '); }
  if (order === 'out') process.stdout.write(argument);
  if (order === 'err') process.stderr.write(argument);
  if (order === 'hold') globalThis.held = Buffer.alloc(Number(argument) * 1024 * 1024, 1);
  if (order === 'hold') channel.write('held ');
  if (order === 'burn') { const before = process.cpuUsage(); while (process.cpuUsage(before).user < Number(argument) * 1000) for (let turn = 0; turn < 1e6; turn++); channel.write('burnt '); }
  if (order === 'exit') process.exit(Number(argument));
  if (order === 'read') channel.write('read:' + readFileSync(argument, 'utf8') + ' ');
  if (order === 'listen') createServer((socket) => socket.end('served')).listen(argument, () => channel.write('listening '));
  if (order === 'addresses') channel.write('addresses:' + JSON.stringify(networkInterfaces()) + ' ');
  if (order === 'child') channel.write('child:' + spawn('sleep', ['600'], { stdio: 'ignore' }).pid + ' ');
});
channel.on('close', () => process.exit(0));
channel.write('hello ');
`;

/** The behaviour that every {@link ContainerDriver} shows, as tests. Call it at the top level of a test file. */
export function describeContainerDriver(subject: DriverUnderTest): void {
  describe.each(subject.prewarm ?? [0, 1])(`${subject.name} driver with %i warm`, (prewarm) => {
    let dataDir: string;
    let runnerPath: string;
    let driver: ContainerDriver;

    beforeEach(() => {
      dataDir = mkdtempSync(join(tmpdir(), 'gantry-driver-'));
      mkdirSync(join(dataDir, 'runner'));
      runnerPath = join(dataDir, 'runner', 'obedient-runner.mjs');
      writeFileSync(runnerPath, OBEDIENT_RUNNER);
      driver = subject.create({ dataDir, runnerPath, prewarm });
    });
    afterEach(async () => {
      await driver.close();
      rmSync(dataDir, { recursive: true, force: true });
    });

    const startOne = async (options: Omit<StartOptions, 'id'> = {}): Promise<Container> => {
      const container = await driver.start({ id: `ta-${Math.random().toString(36).slice(2)}`, ...options });
      await reads(container.channel, 'hello ');
      return container;
    };

    it('starts a process that speaks over file descriptor 3', async () => {
      const container = await startOne();
      container.channel.write('echo 42');
      await reads(container.channel, 'echo:42 ');
      expect(() => process.kill(container.pid, 0)).not.toThrow();
    });

    it('gives every container a working directory named after it', async () => {
      const container = await startOne();
      container.channel.write('cwd');
      await reads(container.channel, `cwd:${container.pathInside(container.directory)} `);
      expect(container.directory).toContain(container.id);
    });

    it('passes on what the process writes to stdout and stderr', async () => {
      const container = await startOne();
      container.channel.write('out words');
      await reads(container.stdout, 'words');
      container.channel.write('err woes');
      await reads(container.stderr, 'woes');
    });

    it('delivers signals to the first process', async () => {
      const container = await startOne();
      container.signal('SIGTERM');
      await reads(container.channel, 'terminated ');
    });

    it('reports the exit code', async () => {
      const container = await startOne();
      container.channel.write('exit 7');
      expect(await container.exited).toEqual({ code: 7, signal: null });
    });

    it('reports the signal that ended it, and kill() is harmless afterwards', async () => {
      const container = await startOne();
      container.kill();
      expect(await container.exited).toEqual({ code: null, signal: 'SIGKILL' });
      expect(() => container.kill()).not.toThrow();
    });

    it.each(['kill', 'exit'] as const)('ends grandchildren at %s', async (how) => {
      const container = await startOne();
      container.channel.write('child');
      await reads(container.channel, /child:(\d+) /);
      // What it calls its child need not be what the machine calls it.
      const child = subject.isSandbox ? container.pid : childOf(container.pid);
      if (how === 'kill') container.kill();
      else container.channel.write('exit 0');
      await container.exited;
      await until(() => !isRunning(child));
    });

    it.runIf(process.platform === 'linux')('tells how much memory its processes hold', async () => {
      const container = await startOne();
      const before = container.memoryBytes ?? 0;
      expect(before).toBeGreaterThan(5 * 1024 ** 2);
      container.channel.write('hold 200');
      await reads(container.channel, 'held ');
      expect(container.memoryBytes).toBeGreaterThan(before + 190 * 1024 ** 2);
      container.kill();
      await container.exited;
      expect(container.memoryBytes).toBeUndefined();
    });

    it.runIf(process.platform === 'linux')(
      'tells how much CPU its processes have used, to its end',
      async () => {
        const container = await startOne();
        const before = container.cpuTimeMs ?? 0;
        container.channel.write('burn 300');
        await reads(container.channel, 'burnt ');
        const burnt = container.cpuTimeMs ?? 0;
        expect(burnt).toBeGreaterThan(before + 250);
        container.kill();
        await container.exited;
        expect(container.cpuTimeMs).toBeGreaterThanOrEqual(burnt);
      },
    );

    it('reaches the socket that its code listens on, until it ends', async () => {
      const container = await startOne();
      expect(container.socketPath).toBeUndefined();
      container.channel.write(`listen ${container.innerSocketPath}`);
      await reads(container.channel, 'listening ');
      const path = container.socketPath as string;
      await reads(connect(path), 'served');
      container.kill();
      await container.exited;
      await waitUntil(() => !existsSync(path));
    });

    it('shows its code what it is given as a mount', async () => {
      const source = join(dataDir, 'given');
      mkdirSync(source);
      writeFileSync(join(source, 'file.txt'), 'present');
      const container = await startOne({ mounts: [{ source, target: '/given' }] });
      container.channel.write(`read ${container.pathInside(join(source, 'file.txt'))}`);
      await reads(container.channel, 'read:present ');
    });

    it('shows a running container a folder, and what comes into it, or says that it cannot', async () => {
      const folder = join(dataDir, 'shown');
      mkdirSync(folder);
      const container = await startOne();
      const inside = await container.showFolder(folder);
      expect(inside !== undefined).toBe(subject.showsFolders ?? true);
      if (inside === undefined) return;
      writeFileSync(join(folder, 'later.txt'), 'present');
      container.channel.write(`read ${join(inside, 'later.txt')}`);
      await reads(container.channel, 'read:present ');
      container.kill();
      await container.exited;
      await driver.close();
      expect(readFileSync(join(folder, 'later.txt'), 'utf8')).toBe('present');
      expect(await container.showFolder(folder)).toBeUndefined();
    });

    it('removes the working directory when the container ended', async () => {
      const container = await startOne();
      writeFileSync(join(container.directory, 'left.txt'), 'behind');
      container.channel.write('exit 0');
      await container.exited;
      await until(() => !existsSync(container.directory));
    });

    it('runs containers side by side', async () => {
      const containers = await Promise.all([startOne(), startOne(), startOne()]);
      expect(new Set(containers.map((container) => container.pid)).size).toBe(3);
      containers[0]?.kill();
      await containers[0]?.exited;
      containers[1]?.channel.write('echo on');
      await reads((containers[1] as Container).channel, 'echo:on ');
    });

    describeExec(startOne);

    it('leaves its own running containers alone at reconcile()', async () => {
      const container = await startOne();
      expect(await driver.reconcile()).toBe(0);
      container.channel.write('echo alive');
      await reads(container.channel, 'echo:alive ');
    });
  });
}

function childOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }));
}

/** Reads until the text holds `expected`, and resolves to what was read. */
async function reads(stream: Readable, expected: string | RegExp): Promise<string> {
  let text = '';
  const found = (): boolean => (typeof expected === 'string' ? text.includes(expected) : expected.test(text));
  while (!found()) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) text += chunk.toString();
    else await once(stream, 'readable', { signal: AbortSignal.timeout(10_000) });
  }
  return text;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
