import { describe, expect, test } from 'vitest';

import { checkIsolation, checkWorkers } from './checks.ts';
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
