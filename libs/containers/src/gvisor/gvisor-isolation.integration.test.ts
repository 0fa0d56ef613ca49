import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Container, StartOptions } from '../container-driver.ts';
import { CONTAINER_IDS } from '../container-ids.ts';
import { Beyond } from '../runc/beyond.fixture.ts';
import { cgroupLayout } from '../runc/cgroups.ts';
import { Probe, writeProbe } from '../runc/probe.fixture.ts';
import { findRuncProblem } from '../runc/requirements.ts';
import { GvisorDriver } from './gvisor-driver.ts';

const problem = findRuncProblem('runsc');

/** Of those that other tests that run at the same time have. */
const NETWORK_BEYOND = 103;

describe.skipIf(problem)('code in a container of gVisor', () => {
  let work: TemporaryDirectory;
  let driver: GvisorDriver;
  let inside: Probe;
  const others: Probe[] = [];

  beforeAll(async () => {
    work = await temporaryDirectory();
    const runnerPath = join(work.path, 'runner', 'probe.mjs');
    writeProbe(runnerPath);
    writeFileSync(join(work.path, 'secret.txt'), 'secret');
    driver = new GvisorDriver({ dataDir: join(work.path, 'data'), runnerPath });
    inside = await Probe.start(driver);
  });
  afterEach(async () => {
    for (const { container } of others.splice(0)) {
      container.kill();
      await container.exited;
    }
  });
  afterAll(async () => {
    await driver?.close();
    await work?.remove();
  });

  const another = async (options: Partial<StartOptions> = {}): Promise<Probe> => {
    const probe = await Probe.start(driver, options);
    others.push(probe);
    return probe;
  };

  it('speaks to a kernel of its own, as nobody of the machine', async () => {
    expect(await inside.run('return os.release()')).toContain('gvisor');
    expect(await inside.run('return process.getuid()')).toBe(0);
    const status = readFileSync(`/proc/${inside.container.pid}/status`, 'utf8');
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(String(CONTAINER_IDS.first));
  });

  it('finds no file of the machine, and changes none that it shares with others', async () => {
    for (const path of [join(work.path, 'secret.txt'), '/etc/shadow', join('/proc/1/root', work.path)])
      expect(await inside.run(`return fs.existsSync(${JSON.stringify(path)})`)).toBe(false);
    for (const path of ['/usr/bin/evil', '/opt/gantry/bin/node', '/opt/gantry/runner/probe.mjs'])
      expect(await inside.run(`fs.writeFileSync('${path}', 'evil')`)).toBe('EROFS');
  });

  it('has no file of the machine open but its streams and its channel', async () => {
    const links =
      await inside.run(`return fs.readdirSync('/proc/1/fd').concat(fs.readdirSync('/proc/self/fd'))
      .map((fd) => attempt(() => fs.readlinkSync('/proc/self/fd/' + fd)))`);
    const files = (links as string[]).filter((link) => link.startsWith('/'));
    expect(files.filter((link) => !/^\/(dev\/(null|u?random)$|proc\/)/.test(link))).toEqual([]);
  });

  it('finds no file and no socket of another container', async () => {
    const other = await another();
    const address = await other.run(`
      fs.writeFileSync('/tmp/mine', 'mine');
      net.createServer((socket) => socket.end('other')).listen(4000, '0.0.0.0');
      net.createServer((socket) => socket.end('other')).listen('\\0other');
      return os.networkInterfaces().eth0[0].address`);
    const host = String(address);
    expect(await other.run(`return connects({ host: '${host}', port: 4000 })`)).toBe('connected');
    expect(await inside.run(`return fs.existsSync('/tmp/mine')`)).toBe(false);
    expect(await inside.run(`return connects({ host: '${host}', port: 4000 })`)).not.toBe('connected');
    expect(await inside.run(`return connects({ path: '\\0other' })`)).toBe('ECONNREFUSED');
  });

  it('cannot have the worker follow a link in place of its socket', async () => {
    const trap = createServer().listen(join(work.path, 'trap.sock'));
    try {
      const path = JSON.stringify(join(work.path, 'trap.sock'));
      await inside.run(`fs.symlinkSync(${path}, '/run/gantry.sock')`);
      expect(inside.container.socketPath).toBeUndefined();
      await inside.run(`fs.unlinkSync('/run/gantry.sock')`);
      expect(await inside.run(`fs.renameSync('/run', '/elsewhere')`)).toBe('EBUSY');
    } finally {
      trap.close();
    }
  });

  it('sees and signals no process of the machine', async () => {
    const programs = await inside.run(`return fs.readdirSync('/proc')
      .filter((name) => /^\\d+$/.test(name))
      .map((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1').split('\\0')[0])`);
    expect(programs).toEqual(['/opt/gantry/bin/init', '/opt/gantry/bin/node']);
    expect(await inside.run(`process.kill(${process.pid}, 0)`)).toBe('ESRCH');
  });

  it.each(['mount -t tmpfs none /mnt', 'umount /proc', 'chroot / true', 'mknod /tmp/device b 8 0'])(
    'may not do as root of its own kernel: %s',
    async (command) => {
      expect((await inside.shell(command)).code).not.toBe(0);
    },
  );

  it('reaches what is beyond the machine, which cannot reach it, and nothing on the machine', async () => {
    await using beyond = await Beyond.open(NETWORK_BEYOND);
    expect(await inside.run(`return connects({ host: '${beyond.address}', port: 4000 })`)).toBe('connected');
    const own = await inside.run(`
      net.createServer((socket) => socket.end('inside')).listen(4001, '0.0.0.0');
      return os.networkInterfaces().eth0[0].address`);
    expect(beyond.hearsInside(String(own), 4001)).toBe(false);
    const server = createServer((socket) => socket.end('host')).listen(0, '0.0.0.0');
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      for (const host of [...addressesOfMachine(), '169.254.1.1'])
        expect(await inside.run(`return connects({ host: '${host}', port: ${port} })`)).not.toBe('connected');
    } finally {
      server.close();
    }
  });

  it('without a network reaches nothing but itself', async () => {
    const alone = await another({ network: 'none' });
    expect(await alone.run(`return Object.keys(os.networkInterfaces())`)).toEqual(['lo']);
    expect(await alone.run(`return connects({ host: '198.51.100.2', port: 4000 })`)).toBe('ENETUNREACH');
  });

  it('that takes more memory than its limit is killed, which is told from a crash', async () => {
    const [hog, crashed] = await Promise.all([
      another({ limits: { memoryMiB: 192 } }),
      another({ limits: { memoryMiB: 192 } }),
    ]);
    hog.send(`globalThis.all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));`);
    expect(await hog.container.exited).toEqual({ code: null, signal: 'SIGKILL', outOfMemory: true });
    crashed.send('process.exit(3)');
    expect(await crashed.container.exited).toEqual({ code: 3, signal: null });
  });

  it('writes no more to its disk than it may, also in /tmp', async () => {
    const filler = await another({ limits: { diskMiB: 48 } });
    const fill = (path: string) => `const chunk = Buffer.alloc(1 << 20);
      const file = fs.openSync('${path}', 'w');
      try { for (let count = 0; count < 100; count++) fs.writeSync(file, chunk); } catch (error) { return error.code; }`;
    expect(await filler.run(fill('/tmp/big'))).toBe('ENOSPC');
    expect(await filler.run(fill('/root/big'))).toBe('ENOSPC');
  });

  it('gets no more CPU than its limit', async () => {
    const busy = await another({ limits: { cpuLimit: 0.2 } });
    const before = cpuSecondsOf(busy.container.pid);
    await busy.run('const until = Date.now() + 2000; while (Date.now() < until);');
    expect(cpuSecondsOf(busy.container.pid) - before).toBeLessThan(1);
  });

  it('has no more processes than its limit, with those of its own kernel, and can be killed then', async () => {
    const { container, count } = bombOf(await another({ limits: { pids: 70 } }));
    // Its kernel may end when it gets no more of them.
    await Promise.race([container.exited, vi.waitFor(() => expect(count()).toBe(70), { timeout: 30_000 })]);
    container.kill();
    expect((await container.exited).code).not.toBe(0);
  });
});

/** Has it start processes until it is stopped. */
function bombOf(probe: Probe): { container: Container; count(): number } {
  const current = join(groupOf('pids', probe.container.pid), 'pids.current');
  probe.send(`const more = () => {
    try { spawn('/bin/sleep', ['600'], { stdio: 'ignore' }).on('error', () => undefined); } catch {}
    setImmediate(more);
  }; more();`);
  return { container: probe.container, count: () => Number(readFileSync(current, 'utf8')) };
}

/** What the group of a process of the machine has had of its processors. */
function cpuSecondsOf(pid: number): number {
  const usage = join(groupOf('cpuacct', pid), 'cpuacct.usage');
  if (existsSync(usage)) return Number(readFileSync(usage, 'utf8')) / 1e9;
  const stat = readFileSync(join(groupOf('cpuacct', pid), 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1]) / 1e6;
}

/** The folder that counts for a process, in cgroups of either version. */
function groupOf(controller: string, pid: number): string {
  const group = /:(\/gantry\/[\w-]+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  const hierarchies = cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'))?.hierarchies;
  return join(hierarchies?.get(controller) ?? hierarchies?.get('unified') ?? '', group);
}

function addressesOfMachine(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}
