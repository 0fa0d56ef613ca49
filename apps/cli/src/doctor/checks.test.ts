import { describe, expect, test } from 'vitest';

import { checkIsolation, checkWorkers } from './checks.ts';
import { checkGpus } from './gpu-checks.ts';
import { checkMounts } from './mount-checks.ts';

const driver = { name: 'process', images: false, nodeVersion: '24.0.0' };

describe('the check of containers', () => {
  test('is fine with what isolates them', () => {
    expect(checkWorkers({ drivers: [{ ...driver, name: 'runc', images: true, isolation: true }] })).toEqual({
      ...{ name: 'containers', status: 'ok', detail: 'runc, with images' },
    });
  });

  test('says why they are not isolated, and what to do', () => {
    const limitation = {
      message: 'runc cannot run here: there is no "tini"',
      hint: 'Run "apt-get install tini".',
    };
    expect(checkWorkers({ drivers: [{ ...driver, limitation }] })).toMatchObject({
      status: 'warn',
      detail: 'process with Node 24.0.0, without images; runc cannot run here: there is no "tini"',
      hint: 'Run "apt-get install tini".',
    });
  });
});

describe('the check of containers where no platform runs', () => {
  test('says what they would be on this machine, and why', () => {
    const problem = { message: 'runc needs root', hint: 'Start the worker as root.' };
    expect(checkIsolation(undefined, true)).toMatchObject({ name: 'containers', status: 'ok' });
    expect(checkIsolation(undefined, false)).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('an ordinary user limits no CPU, disk or processes') as string,
    });
    expect(checkIsolation(problem)).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('without isolation: runc needs root') as string,
      hint: 'Start the worker as root.',
    });
  });
});

describe('the check of mounts', () => {
  test('says that files are copied where there is no FUSE, and what buckets lack', () => {
    const volumes = { message: 'mounts need root', hint: 'Start the worker as root.' };
    const buckets = { message: 'there is no "rclone"', hint: 'Run "apt-get install rclone fuse3".' };

    expect(checkMounts({ volumes, buckets })).toMatchObject([
      { status: 'warn', detail: expect.stringContaining('there is no FUSE: mounts need root') as string },
      { status: 'warn', hint: 'Run "apt-get install rclone fuse3".' },
    ]);
    expect(checkMounts({ volumes: undefined, buckets: undefined })).toMatchObject([
      { name: 'volumes', status: 'ok' },
      { name: 'buckets', status: 'ok' },
    ]);
  });
});

describe('the check of GPUs', () => {
  test('counts them by kind, and says nothing where there are none', () => {
    const a100 = { type: 'A100-80GB', memoryMiB: 81_920 };
    expect(checkGpus([a100, a100, { type: 'T4', memoryMiB: 15_360 }])).toEqual([
      { name: 'GPUs', status: 'ok', detail: '2 × A100-80GB (81920 MiB), 1 × T4 (15360 MiB)' },
    ]);
    expect(checkGpus([])).toEqual([]);
  });

  test('says that their driver does not work', () => {
    const problem = new Error(
      'Command failed: nvidia-smi\nNVIDIA-SMI has failed because it could not reach the driver\n',
    );
    expect(checkGpus([], problem)).toMatchObject([
      {
        status: 'warn',
        detail: '"nvidia-smi" does not work: NVIDIA-SMI has failed because it could not reach the driver',
      },
    ]);
  });
});
