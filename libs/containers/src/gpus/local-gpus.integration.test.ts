import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it, vi } from 'vitest';

import { GpuWatch } from './gpu-watch.ts';
import { findGpus } from './local-gpus.ts';

it('a machine without nvidia-smi, or with one that its user may not run, has none, and nothing is to be said', async () => {
  await using folder = await temporaryDirectory('gantry-path-');
  vi.stubEnv('PATH', folder.path);
  const warn = vi.fn();
  try {
    expect(await findGpus(warn)).toEqual([]);
    await writeFile(join(folder.path, 'nvidia-smi'), '');
    expect(await findGpus(warn)).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
    await writeFile(join(folder.path, 'nvidia-smi'), '#!/bin/sh\nexit 9\n');
    await chmod(join(folder.path, 'nvidia-smi'), 0o755);
    expect(await findGpus(warn)).toEqual([]);
    expect(warn).toHaveBeenCalledOnce();
  } finally {
    vi.unstubAllEnvs();
  }
});

it.skipIf(existsSync('/dev/nvidia-uvm'))(
  'the device that CUDA needs is made, if it is not there, where there are GPUs',
  async () => {
    await using folder = await temporaryDirectory('gantry-path-');
    const program = async (name: string, script: string): Promise<void> => {
      await writeFile(join(folder.path, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(folder.path, name), 0o755);
    };
    vi.stubEnv('PATH', folder.path);
    try {
      await program('nvidia-smi', 'echo 0, GPU-aa, Tesla T4, 15360');
      expect(await findGpus(vi.fn())).toHaveLength(1);
      await program('nvidia-modprobe', `echo "$@" > ${join(folder.path, 'words')}; exit 1`);
      expect(await findGpus(vi.fn())).toHaveLength(1);
      expect(await readFile(join(folder.path, 'words'), 'utf8')).toBe('-u -c=0\n');
    } finally {
      vi.unstubAllEnvs();
    }
  },
);

it('how they are is followed, until nobody wants to know it any more', async () => {
  await using folder = await temporaryDirectory('gantry-path-');
  const [program, pids] = [join(folder.path, 'nvidia-smi'), join(folder.path, 'pid')];
  await writeFile(
    program,
    `#!/bin/sh\necho $$ > ${pids}\necho '0, 7, 40, 80.5, 700.00, 37'\nexec sleep 600\n`,
  );
  await chmod(program, 0o755);
  vi.stubEnv('PATH', `${folder.path}:${process.env['PATH'] ?? ''}`);
  const watch = new GpuWatch();
  try {
    watch.start();
    await expect.poll(() => watch.use, { timeout: 30_000 }).toMatchObject([{ index: 0, memoryUsedMiB: 40 }]);
    const pid = Number(await readFile(pids, 'utf8'));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    watch[Symbol.dispose]();
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 30_000 }).toBe(false);
    expect(watch.use).toEqual([]);
  } finally {
    watch[Symbol.dispose]();
    vi.unstubAllEnvs();
  }
});
