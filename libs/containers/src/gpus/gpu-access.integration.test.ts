import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { findRuncProblem } from '../runc/requirements.ts';
import { Probe, writeProbe } from '../runc/probe.fixture.ts';
import { RuncDriver } from '../runc/runc-driver.ts';
import { bareGpuAccess, gpuAccess, type GpuSources } from './gpu-access.ts';

const isRoot = process.getuid?.() === 0;
const problem = findRuncProblem();
const canUseCuda = ['nvidia-smi', 'cc'].every((name) => spawnSync(name, ['--version']).status === 0);

describe.skipIf(!isRoot)(`the GPUs of a container${isRoot ? '' : ' (device nodes need root)'}`, () => {
  let work: TemporaryDirectory;
  let sources: GpuSources;

  beforeAll(async () => {
    work = await temporaryDirectory();
  });
  afterAll(() => work?.remove());
  beforeEach(() => {
    const at = (name: string): string => join(work.path, name);
    execFileSync('rm', ['-rf', at('dev'), at('cdi'), at('lib')]);
    for (const folder of ['dev', 'cdi', 'lib']) mkdirSync(at(folder));
    // Any devices do: what a container can open is what it was given. These read as zeros and as random bytes.
    node('nvidia0', 1, 5);
    node('nvidia1', 1, 9);
    node('nvidiactl', 1, 3);
    writeFileSync(at('lib/libcuda.so.1'), 'driver');
    sources = {
      cdiFolders: [at('cdi')],
      devFolder: at('dev'),
      libraries: () => [at('lib/libcuda.so.1'), '/lib/libc.so.6'],
      programs: [],
    };
  });

  function node(name: string, major: number, minor: number): void {
    execFileSync('mknod', ['-m', '666', join(work.path, 'dev', name), 'c', String(major), String(minor)]);
  }

  it('are those that a specification of the Container Device Interface names, in YAML or JSON', () => {
    const yaml = `cdiVersion: "0.5.0"
kind: nvidia.com/gpu
devices:
  - name: "1"
    containerEdits:
      deviceNodes: [{ path: /dev/nvidia1, hostPath: ${join(work.path, 'dev/nvidia1')} }]
containerEdits:
  env: [NVIDIA_VISIBLE_DEVICES=void]
  hooks: [{ hookName: createContainer, path: /usr/bin/nvidia-ctk, args: [nvidia-ctk, hook] }]
`;
    writeFileSync(join(work.path, 'cdi/nvidia.yaml'), yaml);

    const access = gpuAccess([1], sources);

    expect(access.devices).toEqual([
      { path: '/dev/nvidia1', source: join(work.path, 'dev/nvidia1'), type: 'c', major: 1, minor: 9 },
    ]);
    expect(access.env).toEqual({ NVIDIA_VISIBLE_DEVICES: 'void' });
    expect(access.hooks).toEqual({
      createContainer: [{ path: '/usr/bin/nvidia-ctk', args: ['nvidia-ctk', 'hook'] }],
    });
  });

  it('without a specification are device nodes and the driver’s libraries, as the loader knows them', () => {
    const access = gpuAccess([0], sources);

    expect(access.devices.map(({ path }) => path)).toEqual(['/dev/nvidia0', '/dev/nvidiactl']);
    expect(access.mounts).toEqual([
      expect.objectContaining({ target: '/usr/local/nvidia/lib64/libcuda.so.1' }),
    ]);
    expect(access.env).toEqual({ LD_LIBRARY_PATH: '/usr/local/nvidia/lib64' });
  });

  it('have each library of the driver once, by the name that programs ask for, wherever it is known from', () => {
    const driver = ['libcuda.so', 'libcuda.so.1', 'libcuda.so.580.159', 'libnvidia-nvvm.so.4', 'libz.so.1'];
    const folder = join(work.path, 'lib');
    for (const name of [...driver, 'libnvidia-gpucomp.so.580.159']) writeFileSync(join(folder, name), '');

    for (const known of [
      { libraries: () => driver.map((name) => join(folder, name)) },
      { driverFolders: [folder] },
    ]) {
      const { mounts } = gpuAccess([0], {
        ...sources,
        libraries: () => [],
        driverFolders: [folder],
        ...known,
      });
      expect(mounts.map(({ target }) => target.replace('/usr/local/nvidia/lib64/', '')).toSorted()).toEqual([
        'libcuda.so.1',
        'libnvidia-gpucomp.so.580.159',
        'libnvidia-nvvm.so.4',
      ]);
    }
  });

  it('with the programs and the driver of the machine find both where the environment of its own programs says', () => {
    const program = join(work.path, 'lib/nvidia-smi');
    writeFileSync(program, '');
    const known = {
      ...sources,
      driverFolders: [join(work.path, 'lib'), '/nowhere'],
      programs: ['/none', program],
    };

    expect(bareGpuAccess([0], known)).toMatchObject({ mounts: [], env: { PATH: join(work.path, 'lib') } });
    expect(bareGpuAccess([0], { ...known, libraries: () => [] }).env).toEqual({
      LD_LIBRARY_PATH: join(work.path, 'lib'),
      PATH: join(work.path, 'lib'),
    });
    expect(gpuAccess([0], known).env).toEqual({
      LD_LIBRARY_PATH: '/usr/local/nvidia/lib64',
      PATH: '/usr/local/nvidia/bin',
    });
  });

  it('that the machine has not are refused', () => {
    expect(() => gpuAccess([7], sources)).toThrow('this machine has no device');
  });

  it.skipIf(problem)('can be opened in a runc container, and no other ones can', async () => {
    const runnerPath = join(work.path, 'runner', 'probe.mjs');
    writeProbe(runnerPath);
    const driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath, gpuSources: sources });
    try {
      // An image with the programs of this machine, but for its /usr/local.
      const layers = [join(work.path, 'data/roots/default')];
      const mounts = ['/usr/bin', '/usr/lib', '/usr/lib64'].map((path) => ({ source: path, target: path }));
      const root = { layers, env: { LD_LIBRARY_PATH: '/opt/lib' } };
      const probe = await Probe.start(driver, { gpus: [0], network: 'none', root, mounts });
      const read = `const file = fs.openSync('/dev/nvidia0', 'r'); const bytes = Buffer.alloc(4, 1);
        fs.readSync(file, bytes); return [...bytes]`;
      expect(await probe.run(read)).toEqual([0, 0, 0, 0]);
      expect(await probe.run(`fs.writeFileSync('/dev/nvidiactl', 'words')`)).toBeUndefined();
      expect(await probe.run(`return fs.existsSync('/dev/nvidia1')`)).toBe(false);
      expect(await probe.run(`return fs.readFileSync('/usr/local/nvidia/lib64/libcuda.so.1', 'utf8')`)).toBe(
        'driver',
      );
      expect(await probe.run('return process.env.LD_LIBRARY_PATH')).toBe('/opt/lib:/usr/local/nvidia/lib64');

      const plain = await Probe.start(driver, { gpus: [1], network: 'none' });
      expect(
        await plain.run(`return fs.readdirSync('/dev').filter((name) => name.startsWith('nvidia'))`),
      ).toEqual(['nvidia1', 'nvidiactl']);

      const other = await Probe.start(driver, { network: 'none' });
      expect(
        await other.run(`return fs.readdirSync('/dev').filter((name) => name.startsWith('nvidia'))`),
      ).toEqual([]);
      expect((await other.shell('mknod /tmp/gpu c 1 5 && head -c 4 /tmp/gpu')).code).not.toBe(0);
    } finally {
      await driver.close();
    }
  });

  it.skipIf(problem || !canUseCuda)(
    'compute in a container with an image of its own, where they are real',
    async () => {
      const runnerPath = join(work.path, 'runner', 'probe.mjs');
      writeProbe(runnerPath);
      const program = join(work.path, 'cuda-probe');
      execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'cuda-probe.c'), '-ldl', '-lm']);
      const driver = new RuncDriver({ dataDir: join(work.path, 'data'), runnerPath });
      try {
        const root = { layers: [join(work.path, 'data/roots/default')], env: {} };
        const paths = ['/usr/bin', '/usr/lib', '/usr/lib64'].map((path) => ({ source: path, target: path }));
        const mounts = [...paths, { source: program, target: '/opt/cuda-probe' }];
        const probe = await Probe.start(driver, { gpus: [0], network: 'none', root, mounts });
        const { output } = await probe.shell('/opt/cuda-probe');
        expect(JSON.parse(output)).toMatchObject({ count: 1, error: expect.any(Number) as number });
        expect((await probe.shell('nvidia-smi -L')).output).toContain('GPU 0: ');
        const other = await Probe.start(driver, { network: 'none', root, mounts });
        expect((await other.shell('/opt/cuda-probe')).output).toContain('failed');
      } finally {
        await driver.close();
      }
    },
  );
});
