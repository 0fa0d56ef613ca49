import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { COMPILE_FLAG } from '@gantry/protocol';
import { isRunning, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeContainerDriver } from '../container-driver-contract.ts';
import { CONTAINER_IDS } from '../container-ids.ts';
import { GvisorDriver } from '../gvisor/gvisor-driver.ts';
import { inPieces, tarOf } from '../layers/tar.fixture.ts';
import { unpackLayer } from '../layers/unpack-layer.ts';
import { ProcessDriver } from '../process-driver.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { RUN_FOLDER } from '../run-folder.ts';
import { findRuncProblem, OCI_RUNTIMES } from './requirements.ts';
import { Probe, writeProbe } from './probe.fixture.ts';
import type { RuncContainer } from './runc-container.ts';
import { RuncDriver } from './runc-driver.ts';

const problem = findRuncProblem();

// Ignores the end of its channel, as a program stuck in a loop would.
const STUBBORN_RUNNER = `
import { spawn } from 'node:child_process';
spawn('sleep', ['600'], { stdio: 'ignore' });
setInterval(() => undefined, 1000);
`;

const DOOMED_WORKER = (dataDir: string, runnerPath: string): string => `
import { RuncDriver } from ${JSON.stringify(new URL('./runc-driver.ts', import.meta.url).href)};
const driver = new RuncDriver({ dataDir: ${JSON.stringify(dataDir)}, runnerPath: ${JSON.stringify(runnerPath)} });
const container = await driver.start({ id: 'ta-orphan', limits: { diskMiB: 64 } });
console.log(container.pid);
setInterval(() => undefined, 1000);
`;

/** Folders of the groups that are named after containers, in all hierarchies. */
function groupsOf(pid: number): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const folders = mounts
    .filter((words) => words.some((word) => /^cgroup2?$/.test(word)))
    .map((words) => words[4]);
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').matchAll(/:(\/gantry\/[\w-]+)$/gm);
  const names = new Set([...groups].map(([, group]) => group as string));
  return folders
    .flatMap((folder) => [...names].map((name) => join(folder ?? '', name)))
    .filter((folder) => existsSync(folder));
}

/** What drivers of a process keep in memory. */
function memoryFoldersOf(pid: number | undefined): string[] {
  const folder = join(RUN_FOLDER, 'memory-owners');
  const records = readdirSync(folder).map(
    (name) =>
      JSON.parse(readFileSync(join(folder, name), 'utf8')) as { folder: string; owner: { pid: number } },
  );
  return records.filter(({ owner }) => owner.pid === pid).map((record) => record.folder);
}

/** Parent, and its parent. */
function ancestorsOf(pid: number): string[] {
  const parentOf = (of: number | string): string =>
    /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${of}/status`, 'utf8'))?.[1] ?? '';
  return [parentOf(pid), parentOf(parentOf(pid))];
}

describe.skipIf(problem)(`with an OCI runtime${problem ? ` (${problem.message})` : ''}`, () => {
  for (const name of OCI_RUNTIMES.filter((name) => !findRuncProblem(name))) {
    describeContainerDriver({ name, create: (options) => new RuncDriver({ ...options, ociRuntime: name }) });

    it.skipIf(isRootless())(
      `a container of ${name} leaves no group of processes in any hierarchy`,
      async () => {
        const work = await temporaryDirectory();
        const runnerPath = join(work.path, 'runner', 'probe.mjs');
        writeProbe(runnerPath);
        const driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath, ociRuntime: name });
        try {
          const { container } = await Probe.start(driver);
          const groups = groupsOf(container.pid);
          expect(groups).not.toEqual([]);
          container.kill();
          await container.exited;
          await driver.close();
          expect(groups.filter((folder) => existsSync(folder))).toEqual([]);
        } finally {
          await driver.close();
          await work.remove();
        }
      },
    );
  }

  describe('runc driver', () => {
    let work: TemporaryDirectory;
    let dataDir: string;
    let runnerPath: string;
    let doomed: ChildProcess | undefined;

    beforeEach(async () => {
      work = await temporaryDirectory();
      dataDir = join(work.path, 'data');
      runnerPath = join(work.path, 'runner', 'runner.mjs');
      mkdirSync(join(work.path, 'runner'));
      writeFileSync(runnerPath, STUBBORN_RUNNER);
    });
    afterEach(async () => {
      if (doomed) await endDoomed(doomed);
      doomed = undefined;
      await work.remove();
    });

    /** Its container ignores that its worker is gone. */
    async function endDoomed(worker: ChildProcess): Promise<void> {
      worker.kill('SIGKILL');
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
      const driver = new RuncDriver({ dataDir, runnerPath });
      await driver.reconcile();
      await driver.close();
    }

    async function orphan(): Promise<number> {
      const script = join(work.path, 'doomed-worker.mjs');
      writeFileSync(script, DOOMED_WORKER(dataDir, runnerPath));
      doomed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = createInterface({ input: doomed.stdout as NodeJS.ReadableStream });
      const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(20_000) })) as [string];
      return Number(line);
    }

    it('ends the containers of a killed worker, with all that the machine had for them', async () => {
      const pid = await orphan();
      const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8').match(/\/gantry\/gantry-\w+/)?.[0] ?? '';
      const links = (): string[] => readdirSync('/sys/class/net').filter((name) => name.startsWith('gtry-'));
      const linksBefore = links();
      const memory = memoryFoldersOf(doomed?.pid);
      expect(memory.flatMap((folder) => readdirSync(folder))).toContain('runtime');
      doomed?.kill('SIGKILL');
      await once(doomed as ChildProcess, 'exit');
      const driver = new RuncDriver({ dataDir, runnerPath });
      expect(await driver.reconcile()).toBe(1);
      await waitUntil(() => !isRunning(pid));
      expect(readdirSync(join(dataDir, 'containers'))).toEqual([]);
      expect(memory.filter((folder) => existsSync(folder))).toEqual([]);
      expect(readdirSync(join(dataDir, 'runc'))).toEqual([]);
      expect(existsSync(`/sys/fs/cgroup/memory${cgroup}`)).toBe(false);
      // An ordinary user's are in a namespace that went with the worker.
      if (!isRootless()) await waitUntil(() => links().length < linksBefore.length);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dataDir);
      expect(await driver.reconcile()).toBe(0);
      await driver.close();
    });

    it.skipIf(isRootless()).each([
      ['gVisor', GvisorDriver],
      ['plain processes', ProcessDriver],
    ])('a worker with %s ends what one with an OCI runtime has left', async (_, Driver) => {
      const pid = await orphan();
      doomed?.kill('SIGKILL');
      await once(doomed as ChildProcess, 'exit');
      const driver = new Driver({ dataDir, runnerPath });
      try {
        expect(await driver.reconcile()).toBe(1);
        await waitUntil(() => !isRunning(pid));
        for (const folder of ['containers', 'runc']) expect(readdirSync(join(dataDir, folder))).toEqual([]);
      } finally {
        await driver.close();
      }
    });

    it('containers whose starter is killed end as killed, and another starts the next', async () => {
      const memoryBefore = memoryFoldersOf(process.pid);
      const driver = new RuncDriver({ dataDir, runnerPath });
      try {
        const lost = (await driver.start({ id: 'ta-lost', limits: { diskMiB: 64 } })) as RuncContainer;
        const [runtime, starter] = ancestorsOf(lost.init);
        expect(readFileSync(`/proc/${starter}/comm`, 'utf8')).toBe('perl\n');
        process.kill(Number(starter), 'SIGKILL');
        expect(await lost.exited).toEqual({ code: null, signal: 'SIGKILL' });
        await waitUntil(() => !isRunning(lost.pid) && !isRunning(Number(runtime)));
        const next = await driver.start({ id: 'ta-next' });
        next.kill();
        expect(await next.exited).toEqual({ code: null, signal: 'SIGKILL' });
      } finally {
        await driver.close();
      }
      for (const folder of ['containers', 'runc']) expect(readdirSync(join(dataDir, folder))).toEqual([]);
      expect(memoryFoldersOf(process.pid)).toEqual(memoryBefore);
    });

    it('leaves the containers of a worker that still runs', async () => {
      const pid = await orphan();
      const driver = new RuncDriver({ dataDir, runnerPath });
      expect(await driver.reconcile()).toBe(0);
      expect(isRunning(pid)).toBe(true);
    });

    it('says what the runtime said when a container cannot be started, and leaves nothing', async () => {
      const driver = new RuncDriver({ dataDir, runnerPath });
      const root = { layers: [join(dataDir, 'no-such-layer')], env: {} };
      const failed = driver.start({ id: 'ta-failed', root });
      await expect(failed).rejects.toThrow(/could not be started: mount: /);
      expect(readdirSync(join(dataDir, 'containers'))).toEqual([]);
      expect(readdirSync(join(dataDir, 'runc-containers'))).toEqual([]);
    });

    it('lets every container have the runner compiled, by a container that ran no code of users', async () => {
      // As the runner does: a cache before all else, and an end when it is asked to stop.
      const cached =
        "import { enableCompileCache, getCompileCacheDir } from 'node:module';" +
        "enableCompileCache(process.env.GANTRY_COMPILE_CACHE); process.on('SIGTERM', () => process.exit(0));" +
        "await import('./probe.mjs');";
      writeProbe(join(work.path, 'runner', 'probe.mjs'));
      writeFileSync(runnerPath, cached);
      const driver = new RuncDriver({ dataDir, runnerPath, prewarm: 1 });
      const compiled = join(dataDir, 'roots', 'compiled');
      await waitUntil(
        () => existsSync(compiled) && readdirSync(compiled).some((name) => !name.startsWith('.')),
        {
          timeoutMs: 20_000,
        },
      );
      const probe = await Probe.start(driver, { network: 'none' });
      const found = `return fs.readdirSync('/opt/gantry/cache').flatMap((tag) => fs.readdirSync('/opt/gantry/cache/' + tag)).length`;
      expect(await probe.run(found)).toBeGreaterThan(0);
      await driver.close();
    });

    it('has what containers load compiled once, by a container of its own, for all later ones', async () => {
      // As the runner does: told to compile, it leaves something in the cache and ends.
      writeProbe(join(work.path, 'runner', 'probe.mjs'));
      const compiles = `import fs from 'node:fs';
        const [flag, path] = process.argv.slice(2);
        if (flag === '${COMPILE_FLAG}') {
          fs.mkdirSync(process.env.GANTRY_COMPILE_CACHE, { recursive: true });
          fs.writeFileSync(process.env.GANTRY_COMPILE_CACHE + '/asked', path + fs.readFileSync(path, 'utf8'));
          process.exit(0);
        }
        await import('./probe.mjs');`;
      writeFileSync(runnerPath, compiles);
      const source = join(work.path, 'bundle');
      mkdirSync(source);
      writeFileSync(join(source, 'code.mjs'), ' code');
      const driver = new RuncDriver({ dataDir, runnerPath });
      const start = (): Promise<Probe> =>
        Probe.start(driver, {
          ...{ network: 'none', code: join(source, 'code.mjs') },
          mounts: [{ source, target: '/opt/gantry/bundle' }],
        });
      const asked = `return attempt(() => fs.readFileSync('/opt/gantry/cache/asked', 'utf8'))`;
      const seen = `/opt/gantry/bundle/code.mjs code`;
      try {
        const first = await start();
        expect(await first.run(asked)).toBe('ENOENT');
        const compiled = join(dataDir, 'roots', 'compiled-bundles');
        await waitUntil(() => readdirSync(compiled).some((name) => !name.startsWith('.')), {
          timeoutMs: 20_000,
        });
        const second = await start();
        expect(await second.run(asked)).toBe(seen);
        await second.run(`fs.writeFileSync('/opt/gantry/cache/asked', 'evil')`);
        const third = await start();
        expect(await third.run(asked)).toBe(seen);
      } finally {
        await driver.close();
      }
    });

    // An ordinary user gives no container a disk.
    it.skipIf(isRootless())(
      'gives each of many containers that start at once a disk of its own',
      async () => {
        writeProbe(runnerPath);
        const driver = new RuncDriver({ dataDir, runnerPath });
        try {
          const limits = { diskMiB: 64 };
          const start = (): Promise<Probe> => Probe.start(driver, { limits, network: 'none' });
          const probes = await Promise.all(Array.from({ length: 6 }, start));
          const said = await Promise.all(
            probes.map(async (probe, index) => {
              await probe.run(`fs.writeFileSync('/root/mark', '${index}')`);
              return probe.run(
                `const { blocks, bsize } = fs.statfsSync('/'); return blocks * bsize <= 2 ** 26`,
              );
            }),
          );
          expect(said).toEqual(probes.map(() => true));
          const marks = probes.map((probe) => probe.run(`return fs.readFileSync('/root/mark', 'utf8')`));
          expect(await Promise.all(marks)).toEqual(probes.map((_, index) => String(index)));
        } finally {
          await driver.close();
        }
      },
    );

    it('lays the layers of an image over each other, the last on top, and keeps each container’s changes apart', async () => {
      const runner = `import { readFileSync, writeFileSync } from 'node:fs';
        import { Socket } from 'node:net';
        const channel = new Socket({ fd: 3 });
        channel.write(readFileSync('/both', 'utf8') + readFileSync('/lower', 'utf8') + process.cwd() + process.env.MARK);
        writeFileSync('/both', 'changed');
        channel.on('close', () => process.exit(0));`;
      writeFileSync(runnerPath, runner);
      const driver = new RuncDriver({ dataDir, runnerPath });
      const layers = ['one', 'two'].map((name) => join(work.path, name));
      for (const layer of layers) {
        const name = layer.slice(-3);
        const members = [
          { path: 'both', content: `${name} ` },
          ...(name === 'one' ? [{ path: 'lower', content: 'below ' }] : []),
        ];
        await unpackLayer(inPieces(tarOf(...members)), layer, { idShift: CONTAINER_IDS.first });
      }
      const root = {
        layers: [join(dataDir, 'roots/default'), ...layers],
        env: { MARK: ' marked' },
        workdir: '/var',
      };
      const usr = [{ source: '/usr', target: '/usr' }];
      for (const id of ['ta-first', 'ta-second']) {
        const container = await driver.start({ id, root, mounts: usr });
        const [said] = (await once(container.channel, 'data')) as [Buffer];
        expect(String(said)).toBe('two below /var marked');
      }
      await driver.close();
      expect(readFileSync(join(layers[1] as string, 'both'), 'utf8')).toBe('two ');
    });
  });
});
