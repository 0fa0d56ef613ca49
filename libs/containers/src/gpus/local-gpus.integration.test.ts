import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it, vi } from 'vitest';

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
