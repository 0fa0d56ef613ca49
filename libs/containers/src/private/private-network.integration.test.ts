import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { privateAddressIn, PRIVATE_HOST_NAME, type PrivateSubnet } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { StartOptions } from '../container-driver.ts';
import { Probe, writeProbe } from '../runc/probe.fixture.ts';
import { findRuncProblem, OCI_RUNTIMES } from '../runc/requirements.ts';
import { RuncDriver } from '../runc/runc-driver.ts';
import { hasTunnels } from './private-link.ts';
import { PrivateRouter } from './private-router.ts';

const problem =
  findRuncProblem()?.message ?? (hasTunnels() ? undefined : '/dev/net/tun cannot be opened here');
const runtimes = OCI_RUNTIMES.filter((name) => !findRuncProblem(name));

const LONGEST_MS = 60_000;
/** For what will not come, however long one waits. */
const NEVER_MS = 700;
const HERE: PrivateSubnet = { workspace: 0x51373ebf, worker: 0x0a701b9d };
const THERE: PrivateSubnet = { workspace: HERE.workspace, worker: 0x0b000001 };

/** A container that answers at port 4000 of all its addresses, over TCP with its name and over UDP by remembering. */
interface Member {
  probe: Probe;
  address: string;
}

const SERVER = `
const tcp = net.createServer((socket) => socket.end(os.hostname())).listen(4000, '::');
await new Promise((resolve) => tcp.once('listening', resolve));
const { createSocket } = await import('node:dgram');
globalThis.heard = [];
const udp = createSocket('udp6').on('message', (text, { address }) => heard.push(address + ' ' + text)).bind(4000, '::');
await new Promise((resolve) => udp.once('listening', resolve));
return 'listens';`;

describe.skipIf(problem).each(problem ? [problem] : runtimes)(
  'containers with a private network (%s)',
  (ociRuntime) => {
    let work: TemporaryDirectory;
    let driver: RuncDriver;
    let here: PrivateRouter;
    let there: PrivateRouter;
    const received: Uint8Array[] = [];
    const started: Probe[] = [];
    let count = 0;

    beforeAll(async () => {
      work = await temporaryDirectory();
      const runnerPath = join(work.path, 'runner', 'probe.mjs');
      writeProbe(runnerPath);
      driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath, ociRuntime });
      const onLost = (): void => undefined;
      here = await PrivateRouter.open({
        ...{ subnet: HERE, onLost },
        onPackets: (packets) => {
          received.push(...packets);
          there.send(Buffer.concat(packets));
        },
      });
      there = await PrivateRouter.open({
        ...{ subnet: THERE, onLost },
        onPackets: (packets) => here.send(Buffer.concat(packets)),
      });
    });
    afterAll(async () => {
      await driver?.close();
      await Promise.all([here?.close(), there?.close()]);
      await work?.remove();
    });

    const endAll = async (): Promise<void> => {
      await Promise.all(started.splice(0).map((probe) => probe.end()));
    };
    afterEach(endAll);

    async function start(options: Partial<StartOptions> = {}): Promise<Probe> {
      const probe = await Probe.start(driver, options);
      started.push(probe);
      return probe;
    }

    function addressIn(subnet: PrivateSubnet): string {
      return privateAddressIn(subnet, new Uint8Array([9, 8, 7, 6, 5, ++count]));
    }

    async function member(subnet = HERE, options: Partial<StartOptions> = {}): Promise<Member> {
      const address = addressIn(subnet);
      const router = (subnet === HERE ? here : there).path;
      const probe = await start({ privateLink: { address, router }, ...options });
      expect(await probe.run(SERVER)).toBe('listens');
      return { probe, address };
    }

    /** What a container hears at port 4000 of an address, or why it hears nothing. */
    const reaches = (from: Probe, host: string, waitMs = NEVER_MS): Promise<unknown> =>
      from.run(`return await new Promise((resolve) => {
        const socket = net.connect({ host: '${host}', port: 4000 });
        socket.on('data', () => resolve('connected')).on('error', (error) => resolve(error.code));
        socket.setTimeout(${waitMs}, () => { socket.destroy(); resolve('no answer'); });
      })`);

    it('reach each other at their addresses, which each finds by a name as well', async () => {
      const [one, other] = await Promise.all([member(), member()]);
      expect(await reaches(one.probe, other.address, LONGEST_MS)).toBe('connected');
      expect(await reaches(other.probe, one.address, LONGEST_MS)).toBe('connected');
      const found = await one.probe.shell(`getent ahostsv6 ${PRIVATE_HOST_NAME}`);
      expect(new URL(`http://[${found.output.split(' ')[0] ?? ''}]`).hostname).toBe(
        new URL(`http://[${one.address}]`).hostname,
      );
    });

    it('reach those of other workers, with more than fits into a packet', async () => {
      const [one, far] = await Promise.all([member(HERE), member(THERE)]);
      await far.probe.run(`const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        let bytes = 0;
        socket.on('data', (data) => { bytes += data.length; }).on('end', () => socket.end(String(bytes)));
      }).listen(4001, '::');
      await new Promise((resolve) => server.once('listening', resolve));`);
      const bytes = await one.probe.run(`return await new Promise((resolve) => {
        const socket = net.connect({ host: '${far.address}', port: 4001, allowHalfOpen: true });
        let said = '';
        socket.on('data', (data) => { said += data; }).on('end', () => resolve(said));
        socket.on('error', (error) => resolve(error.code));
        socket.end(Buffer.alloc(5_000_000));
      })`);
      expect(bytes).toBe('5000000');
    });

    it('are reached by no container without one, nor by the machine, and reach neither', async () => {
      const [one, outsider] = await Promise.all([member(), start()]);
      expect(await outsider.run(SERVER)).toBe('listens');
      expect(await reaches(outsider, one.address)).not.toBe('connected');
      expect(await connectsFromHere(one.address)).not.toBe('connected');
      const addresses = (await outsider.run(
        `return os.networkInterfaces().eth0.map(({ family, address }) => address)`,
      )) as string[];
      for (const host of [...addresses, '169.254.1.1', 'fe80::1%private0']) {
        expect(await reaches(one.probe, host), host).not.toBe('connected');
      }
    });

    it('that are cut off from all else have the private network alone', async () => {
      const [alone, other] = await Promise.all([member(HERE, { network: 'none' }), member()]);
      expect(await alone.probe.run(`return Object.keys(os.networkInterfaces())`)).toEqual(['lo', 'private0']);
      expect(await reaches(alone.probe, other.address, LONGEST_MS)).toBe('connected');
      expect(await alone.probe.run(`return connects({ host: '198.51.100.2', port: 4000 })`)).toBe(
        'ENETUNREACH',
      );
    });

    // Perl is in every Debian. 78: an address that is not the container's own may be used.
    it('send nothing in the name of others', async () => {
      const [liar, victim] = await Promise.all([member(), member()]);
      const router = privateAddressIn(HERE, new Uint8Array(6));
      const senders = [addressIn(HERE), addressIn(THERE), victim.address, router, 'fdab::1', liar.address];
      for (const sender of senders) {
        const to = sender === victim.address ? liar.address : victim.address;
        const { output } = await liar.probe.shell(`perl -MSocket=:all -e '
          socket(my $socket, AF_INET6, SOCK_DGRAM, 0) or die "socket: $!";
          setsockopt($socket, 41, 78, pack("i", 1)) or die "option: $!";
          bind($socket, pack_sockaddr_in6(0, inet_pton(AF_INET6, "${sender}"))) or die "bind: $!";
          my $to = pack_sockaddr_in6(4000, inet_pton(AF_INET6, "${to}"));
          send($socket, "${sender}", 0, $to) or die "send: $!";'`);
        expect(output, sender).toBe('');
      }
      // Packets of one link keep their order, so the last one is behind all others.
      await expect
        .poll(() => victim.probe.run('return heard.length'), { timeout: LONGEST_MS })
        .toBeGreaterThan(0);
      const heard = (await victim.probe.run('return heard')) as string[];
      expect(heard.map((line) => line.split(' ')[1])).toEqual([liar.address]);
    });

    it('leave nothing in the router, which goes with its process and lets no packet out but those for others', async () => {
      await member();
      const links = (): string =>
        String(execFileSync('nsenter', [`--net=${here.path}`, 'ip', '-brief', 'link']));
      expect(links()).toContain('gtry-');
      await endAll();
      await expect.poll(links, { timeout: LONGEST_MS }).not.toContain('gtry-');
      const receivers = received.map((packet) => Buffer.from(packet.subarray(24, 34)).toString('hex'));
      expect(new Set(receivers)).toEqual(new Set(['fdaa51373ebf0b000001']));
      const last = await PrivateRouter.open({
        subnet: { ...HERE, worker: 3 },
        onPackets: () => undefined,
        onLost: () => undefined,
      });
      expect(existsSync(last.path)).toBe(true);
      await last.close();
      expect(existsSync(last.path)).toBe(false);
    });
  },
);

function connectsFromHere(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 4000 }, () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.setTimeout(2_000, () => {
      socket.destroy();
      resolve('no answer');
    });
  });
}
