import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { isRunning, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeContainerDriver } from '../container-driver-contract.ts';
import { CONTAINER_IDS } from '../container-ids.ts';
import { inPieces, tarOf } from '../layers/tar.fixture.ts';
import { unpackLayer } from '../layers/unpack-layer.ts';
import { Probe, writeProbe } from '../runc/probe.fixture.ts';
import { findRuncProblem } from '../runc/requirements.ts';
import { GvisorDriver } from './gvisor-driver.ts';

const problem = findRuncProblem('runsc');
if (problem) console.warn(`SKIPPED: containers of gVisor, ${problem.message}`);

const DOOMED_WORKER = (dataDir: string, runnerPath: string): string => `
import { GvisorDriver } from ${JSON.stringify(new URL('./gvisor-driver.ts', import.meta.url).href)};
const driver = new GvisorDriver({ dataDir: ${JSON.stringify(dataDir)}, runnerPath: ${JSON.stringify(runnerPath)} });
const container = await driver.start({ id: 'ta-orphan', limits: { diskMiB: 64 } });
console.log(container.pid);
setInterval(() => undefined, 1000);
`;

describe.skipIf(problem)('with gVisor', () => {
  describeContainerDriver({
    name: 'gvisor',
    prewarm: [0],
    isSandbox: true,
    showsFolders: false,
    create: (options) => new GvisorDriver(options),
  });

  describe('gvisor driver', () => {
    let work: TemporaryDirectory;
    let dataDir: string;
    let runnerPath: string;
    let driver: GvisorDriver;

    beforeEach(async () => {
      work = await temporaryDirectory();
      dataDir = join(work.path, 'data');
      runnerPath = join(work.path, 'runner', 'probe.mjs');
      writeProbe(runnerPath);
      driver = new GvisorDriver({ dataDir, runnerPath });
    });
    afterEach(async () => {
      await driver.close();
      await work.remove();
    });

    it('ends the containers of a killed worker, with all that the machine had for them', async () => {
      const script = join(work.path, 'doomed-worker.mjs');
      writeFileSync(script, DOOMED_WORKER(dataDir, runnerPath));
      const doomed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(createInterface({ input: doomed.stdout }), 'line')) as [string];
      const sandbox = Number(line);
      expect(await driver.reconcile()).toBe(0);
      doomed.kill('SIGKILL');
      await once(doomed, 'exit');
      expect(await driver.reconcile()).toBe(1);
      await waitUntil(() => !isRunning(sandbox));
      for (const name of ['containers', 'gvisor', 'gvisor-containers'])
        expect(readdirSync(join(dataDir, name))).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dataDir);
    });

    it('says what went wrong when a container cannot be started, and leaves nothing', async () => {
      const root = { layers: [join(dataDir, 'no-such-layer')], env: {} };
      await expect(driver.start({ id: 'ta-failed', root })).rejects.toThrow(/could not be started: mount: /);
      expect(readdirSync(join(dataDir, 'containers'))).toEqual([]);
      expect(readdirSync(join(dataDir, 'gvisor-containers'))).toEqual([]);
    });

    it('finds the socket of each of many containers, in whichever threads of gVisor see it', async () => {
      const listening = async (): Promise<string | undefined> => {
        const probe = await Probe.start(driver, { network: 'none' });
        const { container } = probe;
        await probe.run(
          `await new Promise((resolve) => net.createServer().listen('${container.innerSocketPath}', resolve))`,
        );
        return container.socketPath;
      };
      const paths = await Promise.all(Array.from({ length: 8 }, listening));
      expect(paths).not.toContain(undefined);
    });

    it('gives no GPUs, which it says', async () => {
      await expect(driver.start({ id: 'ta-gpu', gpus: [0] })).rejects.toThrow('no GPUs');
    });

    it('lays the layers of an image over each other, with its /tmp unless that is a link', async () => {
      const layers = ['one', 'two'].map((name) => join(work.path, name));
      const members = [
        [
          { path: 'both', content: 'one' },
          { path: 'tmp/kept', content: 'kept' },
        ],
        [{ path: 'both', content: 'two' }],
      ];
      for (const [index, layer] of layers.entries())
        await unpackLayer(inPieces(tarOf(...(members[index] ?? []))), layer, {
          idShift: CONTAINER_IDS.first,
        });
      const base = join(dataDir, 'roots/default');
      const mounts = [{ source: '/usr', target: '/usr' }];
      const start = (...above: string[]): Promise<Probe> =>
        Probe.start(driver, { root: { layers: [base, ...above], env: {} }, mounts, network: 'none' });
      const inside = await start(...layers);
      expect(await inside.run(`return fs.readFileSync('/both', 'utf8')`)).toBe('two');
      expect(await inside.run(`return fs.readdirSync('/tmp')`)).toEqual(['kept']);
      await inside.run(`fs.writeFileSync('/both', 'changed')`);
      await inside.end();
      expect(readFileSync(join(layers[1] as string, 'both'), 'utf8')).toBe('two');

      const linking = join(work.path, 'linking');
      const link = { path: 'tmp', type: '2', linkPath: '/etc' } as const;
      await unpackLayer(inPieces(tarOf(link)), linking, { idShift: CONTAINER_IDS.first });
      const elsewhere = await start(linking);
      expect(await elsewhere.run(`return fs.existsSync('/tmp/shadow')`)).toBe(false);
      await elsewhere.run(`fs.writeFileSync('/tmp/mark', '')`);
      expect(existsSync('/etc/mark')).toBe(false);
    });

    it('shows what is in volumes, and writes to those that may be written', async () => {
      const folders = ['free', 'fixed'].map((name) => join(work.path, name));
      for (const folder of folders) {
        mkdirSync(folder);
        chownSync(folder, CONTAINER_IDS.first, CONTAINER_IDS.first);
      }
      const [free = '', fixed = ''] = folders;
      const volumes = [
        { folder: free, target: '/free' },
        { folder: fixed, target: 'fixed', isReadOnly: true },
      ];
      const inside = await Probe.start(driver, { volumes, network: 'none' });
      await inside.run(`fs.writeFileSync('/free/out', 'of it')`);
      expect(readFileSync(join(free, 'out'), 'utf8')).toBe('of it');
      expect(statSync(join(free, 'out')).uid).toBe(CONTAINER_IDS.first);
      writeFileSync(join(fixed, 'in'), 'of the machine');
      expect(await inside.run(`return fs.readFileSync('/root/fixed/in', 'utf8')`)).toBe('of the machine');
      expect(await inside.run(`fs.writeFileSync('/root/fixed/out', '')`)).toBe('EROFS');
    });
  });
});
