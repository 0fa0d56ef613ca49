import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createLogger } from '@gantry/telemetry';
import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it, vi } from 'vitest';

import { LocalMachine } from './local-machine.ts';

const gpu = (index: number) => ({ index, uuid: `GPU-${index}`, type: 'T4', memoryMiB: 15_360 });
const capacity = { cpu: 1, memoryMiB: 1 };

describe('containers', () => {
  it('are told where they are, as far as their worker knows', () => {
    const machine = new LocalMachine(capacity, { region: 'eu-west-1', cloud: 'own' }, []);
    expect(machine.environment([])).toEqual({ GANTRY_REGION: 'eu-west-1', GANTRY_CLOUD_PROVIDER: 'own' });
    expect(new LocalMachine(capacity, {}, []).environment([])).toEqual({});
  });

  it('see the GPUs that they have, by names that do not depend on who counts, and no others', () => {
    const machine = new LocalMachine(capacity, {}, [gpu(0), gpu(1), gpu(2)]);
    expect(machine.environment([0, 2])).toEqual({
      CUDA_VISIBLE_DEVICES: 'GPU-0,GPU-2',
      NVIDIA_VISIBLE_DEVICES: 'GPU-0,GPU-2',
    });
    expect(machine.environment([])).toEqual({ CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' });
  });
});

it('a machine whose containers can have no GPUs looks for none and offers none', async () => {
  await using programs = await temporaryDirectory();
  await writeFile(join(programs.path, 'nvidia-smi'), '#!/bin/sh\necho 0, GPU-0, Tesla T4, 15360\n', {
    mode: 0o755,
  });
  vi.stubEnv('PATH', `${programs.path}:${process.env['PATH'] ?? ''}`);
  try {
    const options = { folder: programs.path, log: createLogger({ name: 'test', level: 'silent' }) };
    const offering = await LocalMachine.find(options);
    offering.close();
    expect(offering.capacity.gpus).toHaveLength(1);
    const found = await LocalMachine.find({ ...options, offersGpus: false });
    expect(found.capacity.gpus).toEqual([]);
    expect(found.environment([])).toEqual({});
  } finally {
    vi.unstubAllEnvs();
  }
});
