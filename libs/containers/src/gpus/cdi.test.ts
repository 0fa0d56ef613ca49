import { expect, test } from 'vitest';

import { cdiEdits, type CdiSpec } from './cdi.ts';

const device = (name: string) => ({
  name,
  containerEdits: { deviceNodes: [{ path: `/dev/nvidia${name}` }], env: [`GPU_${name}=1`] },
});

const spec: CdiSpec = {
  kind: 'nvidia.com/gpu',
  devices: [device('0'), device('1'), device('all')],
  containerEdits: {
    deviceNodes: [{ path: '/dev/nvidiactl' }],
    mounts: [{ hostPath: '/lib/libcuda.so.1', containerPath: '/lib/libcuda.so.1' }],
    hooks: [{ hookName: 'createContainer', path: '/usr/bin/nvidia-ctk', args: ['nvidia-ctk', 'hook'] }],
  },
};

test('a container gets the nodes of its own devices, and what all need, once', () => {
  const edits = cdiEdits([spec], 'nvidia.com/gpu', ['0', '1']);

  expect(edits?.deviceNodes.map(({ path }) => path)).toEqual([
    '/dev/nvidiactl',
    '/dev/nvidia0',
    '/dev/nvidia1',
  ]);
  expect(edits?.env).toEqual(['GPU_0=1', 'GPU_1=1']);
  expect(edits?.mounts).toHaveLength(1);
  expect(edits?.hooks).toHaveLength(1);
});

test('a device that no specification has is not half given', () => {
  expect(cdiEdits([spec], 'nvidia.com/gpu', ['0', '7'])).toBeUndefined();
  expect(cdiEdits([spec], 'other.com/gpu', ['0'])).toBeUndefined();
  expect(cdiEdits([], 'nvidia.com/gpu', ['0'])).toBeUndefined();
});

test('of two specifications with one device the last counts', () => {
  const newer: CdiSpec = {
    kind: 'nvidia.com/gpu',
    devices: [{ name: '0', containerEdits: { env: ['NEW=1'] } }],
  };

  expect(cdiEdits([spec, newer], 'nvidia.com/gpu', ['0'])?.env).toEqual(['NEW=1']);
});
