import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { CONTAINER_IDS } from '../container-ids.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { Beyond } from './beyond.fixture.ts';
import { Probe, writeProbe } from './probe.fixture.ts';
import { findRuncProblem, OCI_RUNTIMES } from './requirements.ts';
import { RuncDriver } from './runc-driver.ts';

const problem = findRuncProblem();
const runtimes = OCI_RUNTIMES.filter((name) => !findRuncProblem(name));

describe.skipIf(problem).each(problem ? [problem.message] : runtimes)(
  'code in a container (%s)',
  (ociRuntime) => {
    let work: TemporaryDirectory;
    let driver: RuncDriver;
    let inside: Probe;

    beforeAll(async () => {
      work = await temporaryDirectory();
      const runnerPath = join(work.path, 'runner', 'probe.mjs');
      writeProbe(runnerPath);
      writeFileSync(join(work.path, 'secret.txt'), 'secret');
      driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath, ociRuntime });
      inside = await Probe.start(driver);
    });
    afterAll(async () => {
      await driver?.close();
      await work?.remove();
    });

    describe('and files', () => {
      it('finds no file of the machine', async () => {
        const secret = join(work.path, 'secret.txt');
        expect(await inside.run(`return fs.readFileSync(${JSON.stringify(secret)}, 'utf8')`)).toBe('ENOENT');
        expect(
          await inside.run(`return fs.readFileSync('/proc/1/root' + ${JSON.stringify(secret)}, 'utf8')`),
        ).toBe('ENOENT');
        expect(await inside.run(`return fs.readdirSync('/home').concat(fs.readdirSync('/root'))`)).toEqual(
          [],
        );
        expect(await inside.run(`return attempt(() => fs.readFileSync('/etc/shadow', 'utf8'))`)).toBe(
          'ENOENT',
        );
      });

      it('cannot change what it shares with others: programs, Node, the runner', async () => {
        for (const path of ['/usr/bin/evil', '/opt/gantry/bin/node', '/opt/gantry/runner/probe.mjs']) {
          expect(await inside.run(`fs.writeFileSync('${path}', 'evil')`)).toBe('EROFS');
        }
      });

      it('finds no file of another container', async () => {
        const other = await Probe.start(driver);
        await other.run(`fs.writeFileSync('/tmp/mine', 'mine'); fs.writeFileSync('/root/mine', 'mine')`);
        expect(await inside.run(`return [fs.existsSync('/tmp/mine'), fs.existsSync('/root/mine')]`)).toEqual([
          false,
          false,
        ]);
        await other.end();
      });

      it('has no file open but its own', async () => {
        const links = (await inside.run(`return fs.readdirSync('/proc/self/fd').map((fd) => {
        try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } })`)) as string[];
        const kinds = links.filter(
          (link) =>
            !/^(socket|pipe|anon_inode):|^\/dev\/(null|random|urandom)$|^\/proc\/|\/pipes\/\w+ \(deleted\)$|^$/.test(
              link,
            ),
        );
        expect(kinds).toEqual([]);
      });

      it('cannot have the worker follow a link in place of its socket', async () => {
        const trap = createServer().listen(join(work.path, 'trap.sock'));
        await inside.run(
          `fs.symlinkSync(${JSON.stringify(join(work.path, 'trap.sock'))}, '/run/gantry.sock')`,
        );
        expect(inside.container.socketPath).toBeUndefined();
        await inside.run(`fs.unlinkSync('/run/gantry.sock')`);
        expect(await inside.run(`fs.renameSync('/run', '/elsewhere')`)).toBe('EBUSY');
        trap.close();
      });
    });

    describe('and processes', () => {
      it('sees and signals no process of the machine', async () => {
        const programs = await inside.run(`return fs.readdirSync('/proc')
        .filter((name) => /^\\d+$/.test(name))
        .map((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'latin1').split('\\0')[0])`);
        expect(programs).toEqual(['/opt/gantry/bin/init', '/opt/gantry/bin/node']);
        expect(await inside.run(`process.kill(${process.pid}, 0)`)).toBe('ESRCH');
      });

      it('leaves no dead processes lying about', async () => {
        await inside.shell('(sleep 0 &) ; (sleep 0.01 &)');
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect((await inside.shell('grep -l "^State:.Z" /proc/[0-9]*/status')).output).toBe('');
      });

      // An ordinary user limits no number of processes.
      it.skipIf(isRootless())(
        'is stopped by its limit when it starts processes without end, and can be killed',
        async () => {
          const bomb = await Probe.start(driver, { limits: { pids: 60 } });
          const result = (await bomb.run(`
        const codes = [];
        for (let i = 0; i < 200; i++) {
          const child = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
          child.on('error', (error) => codes.push(error.code));
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        return codes;`)) as string[];
          expect(result.length).toBeGreaterThan(130);
          expect(new Set(result)).toEqual(new Set(['EAGAIN']));
          await bomb.end();
        },
      );
    });

    describe('and rights', () => {
      it('has few capabilities, gets no more, and has its system calls filtered', async () => {
        const status = (await inside.run(`return fs.readFileSync('/proc/self/status', 'utf8')`)) as string;
        expect(status).toContain('NoNewPrivs:\t1');
        expect(status).toContain('Seccomp:\t2');
        const bounding = BigInt(`0x${/CapBnd:\s+(\w+)/.exec(status)?.[1]}`);
        const [sysAdmin, netAdmin, netRaw, mknod, sysPtrace, sysModule] = [21n, 12n, 13n, 27n, 19n, 16n];
        for (const cap of [sysAdmin, netAdmin, netRaw, mknod, sysPtrace, sysModule]) {
          expect(bounding & (1n << cap)).toBe(0n);
        }
      });

      it('is nobody on the machine', async () => {
        expect(await inside.run('return process.getuid()')).toBe(0);
        const status = execFileSync('cat', [`/proc/${inside.container.pid}/status`], { encoding: 'utf8' });
        expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(String(CONTAINER_IDS.first));
      });

      it.each([
        'echo 1 > /proc/sys/kernel/hostname',
        'echo 1 > /proc/sys/net/ipv4/ip_forward',
        'echo b > /proc/sysrq-trigger',
        'echo evil > /sys/kernel/uevent_helper',
        'echo 1 > /proc/1/oom_score_adj && echo -1000 > /proc/1/oom_score_adj',
      ])('cannot write to the kernel: %s', async (command) => {
        expect((await inside.shell(command)).code).not.toBe(0);
      });

      it.each([
        'mount -t tmpfs none /mnt',
        'mount -t proc none /proc',
        'mount --bind / /tmp',
        'mount -o remount,rw /usr',
        'umount /run',
        'umount /proc',
        'unshare --mount true',
        'unshare --user true',
        'nsenter --target 1 --mount true',
        'chroot / true',
      ])('cannot change what is mounted, or leave its namespaces: %s', async (command) => {
        expect((await inside.shell(command)).code).not.toBe(0);
      });

      it('has no devices but harmless ones, and makes none', async () => {
        const devices = (await inside.run(`return fs.readdirSync('/dev')`)) as string[];
        const harmless = [
          'core',
          'fd',
          'full',
          'null',
          'ptmx',
          'pts',
          'random',
          'shm',
          'stderr',
          'stdin',
          'stdout',
        ];
        expect(
          devices.filter((name) => ![...harmless, 'tty', 'urandom', 'zero', 'console'].includes(name)),
        ).toEqual([]);
        for (const device of ['c 1 1', 'b 8 0', 'c 10 200']) {
          expect((await inside.shell(`mknod /tmp/device ${device}`)).code).not.toBe(0);
        }
      });

      // Perl is in every Debian, and makes system calls by their numbers.
      it.skipIf(process.arch !== 'x64').each([
        ['add_key', 248],
        ['keyctl', 250],
        ['unshare', 272],
        ['setns', 308],
        ['open_by_handle_at', 304],
        ['bpf', 321],
        ['perf_event_open', 298],
        ['userfaultfd', 323],
        ['io_uring_setup', 425],
        ['init_module', 175],
        ['kexec_load', 246],
        ['reboot', 169],
        ['mount', 165],
        ['fsopen', 430],
        ['swapon', 167],
        ['settimeofday', 164],
        ['process_vm_readv', 310],
      ])('may not call the kernel for %s', async (_, number) => {
        const { output } = await inside.shell(`perl -e 'syscall(${number}, 0, 0, 0, 0, 0); print $!+0'`);
        const notPermitted = '1';
        expect(output).toBe(notPermitted);
      });
    });

    describe('and the network', () => {
      let server: Server;
      const addresses = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter(({ family }) => family === 'IPv4')
        .map(({ address }) => address);

      beforeAll(async () => {
        server = createServer((socket) => socket.end('host')).listen(0, '0.0.0.0');
        await new Promise((resolve) => server.once('listening', resolve));
      });
      afterAll(() => server?.close());

      it('reaches nothing that listens on the machine', async () => {
        const { port } = server.address() as AddressInfo;
        expect(addresses.length).toBeGreaterThan(0);
        for (const host of [...addresses, '169.254.1.1']) {
          const result = await inside.run(`return connects({ host: '${host}', port: ${port} })`);
          expect(result).not.toBe('connected');
        }
      });

      it('reaches no other container, by address or by an abstract name', async () => {
        const other = await Probe.start(driver);
        const address = await other.run(`
        net.createServer((socket) => socket.end('other')).listen(4000, '0.0.0.0');
        net.createServer((socket) => socket.end('other')).listen('\\0other');
        return os.networkInterfaces().eth0[0].address`);
        expect(await other.run(`return connects({ host: '${String(address)}', port: 4000 })`)).toBe(
          'connected',
        );
        expect(await inside.run(`return connects({ host: '${String(address)}', port: 4000 })`)).toBe(
          'no answer',
        );
        expect(await inside.run(`return connects({ path: '\\0other' })`)).toBe('ECONNREFUSED');
        await other.end();
      });

      it('reaches what is beyond the machine, which cannot reach it', async () => {
        await using beyond = await Beyond.open();
        expect(await inside.run(`return connects({ host: '${beyond.address}', port: 4000 })`)).toBe(
          'connected',
        );
        const address = await inside.run(`
        net.createServer((socket) => socket.end('inside')).listen(4001, '0.0.0.0');
        return os.networkInterfaces().eth0[0].address`);
        expect(beyond.hearsInside(String(address), 4001)).toBe(false);
      });

      it('without network reaches nothing but itself', async () => {
        const alone = await Probe.start(driver, { network: 'none' });
        expect(await alone.run(`return Object.keys(os.networkInterfaces())`)).toEqual(['lo']);
        expect(await alone.run(`return connects({ host: '198.51.100.2', port: 4000 })`)).toBe('ENETUNREACH');
        await alone.end();
      });
    });

    // An ordinary user limits none of these.
    describe.skipIf(isRootless())('and resources', () => {
      const ended: Probe[] = [];
      afterEach(async () => {
        for (const probe of ended.splice(0)) await probe.end();
      });

      it('that takes more memory than its limit is killed, which is told from a crash', async () => {
        const hog = await Probe.start(driver, { limits: { memoryMiB: 128 } });
        hog.send(`globalThis.all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));`);
        expect(await hog.container.exited).toEqual({ code: null, signal: 'SIGKILL', outOfMemory: true });
        const crashed = await Probe.start(driver, { limits: { memoryMiB: 128 } });
        crashed.send('process.exit(3)');
        expect(await crashed.container.exited).toEqual({ code: 3, signal: null });
      });

      it('holds what its processes share once', async () => {
        const family = await Probe.start(driver);
        ended.push(family);
        const share = `const parent = spawn('perl', ['-e', '$x = "x" x 1e8; fork or last for 1..4; $| = 1; print "shared\\n"; sleep']);
        parent.stdout.setEncoding('utf8');
        let said = '';
        for await (const text of parent.stdout) if ((said += text).split('shared').length > 4) break;
        return said.split('shared').length;`;
        expect(await family.run(share)).toBeGreaterThan(4);
        expect(family.container.memoryBytes).toBeGreaterThan(100 * 1024 ** 2);
        expect(family.container.memoryBytes).toBeLessThan(350 * 1024 ** 2);
      });

      it('writes no more to its disk than it may', async () => {
        const filler = await Probe.start(driver, { limits: { diskMiB: 48 } });
        ended.push(filler);
        const write = `const chunk = Buffer.alloc(1 << 20);
        const file = fs.openSync('/root/big', 'w');
        let written = 0;
        try { for (; written < 100; written++) fs.writeSync(file, chunk); } catch (error) { return [error.code, written]; }
        return ['none', written];`;
        const [code, written] = (await filler.run(write)) as [string, number];
        expect(code).toBe('ENOSPC');
        expect(written).toBeGreaterThan(30);
        expect(written).toBeLessThan(48);
      });

      it('gets no more CPU than its limit', async () => {
        const busy = await Probe.start(driver, { limits: { cpuLimit: 0.2 } });
        ended.push(busy);
        const used = (await busy.run(`
        const start = process.cpuUsage();
        const until = Date.now() + 1000;
        while (Date.now() < until);
        const { user, system } = process.cpuUsage(start);
        return (user + system) / 1e6;`)) as number;
        expect(used).toBeLessThan(0.4);
      });
    });
  },
);
