import { describe, expect, it } from 'vitest';

import { cgroupLayout, cpuQuota, cpuWeight, limitFiles } from './cgroups.ts';

const line = (mountPoint: string, type: string, options: string): string =>
  `30 20 0:26 / ${mountPoint} rw,relatime shared:4 - ${type} ${type} ${options}`;

const UNIFIED = line('/sys/fs/cgroup', 'cgroup2', 'rw');
const V1 = [
  line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
  line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
  line('/sys/fs/cgroup/pids', 'cgroup', 'rw,pids'),
];

describe('the layout of cgroups', () => {
  it('is version 2 where the one hierarchy of that is mounted', () => {
    expect(cgroupLayout([line('/', 'ext4', 'rw'), UNIFIED].join('\n'))).toEqual({
      version: 2,
      hierarchies: new Map([['unified', '/sys/fs/cgroup']]),
    });
  });

  it('is version 1 where its controllers are mounted, several of them in one place or not', () => {
    const layout = cgroupLayout(V1.join('\n'));
    expect(layout?.version).toBe(1);
    expect(layout?.hierarchies.get('memory')).toBe('/sys/fs/cgroup/memory');
    expect(layout?.hierarchies.get('cpu')).toBe('/sys/fs/cgroup/cpu,cpuacct');
    expect(layout?.hierarchies.get('cpuacct')).toBe('/sys/fs/cgroup/cpu,cpuacct');
  });

  it('is version 1 where version 2 is mounted beside it', () => {
    const hybrid = [...V1, line('/sys/fs/cgroup/unified', 'cgroup2', 'rw,nsdelegate')];
    const layout = cgroupLayout(hybrid.join('\n'));
    expect(layout?.version).toBe(1);
    expect(layout?.hierarchies.get('unified')).toBe('/sys/fs/cgroup/unified');
  });

  it('is unknown where nothing counts memory', () => {
    expect(cgroupLayout(line('/', 'ext4', 'rw'))).toBeUndefined();
    expect(cgroupLayout(line('/sys/fs/cgroup/cpu', 'cgroup', 'rw,cpu'))).toBeUndefined();
  });
});

describe('limits', () => {
  const limits = { cpu: 0.5, cpuLimit: 1.5, memoryMiB: 256, pids: 100 };

  it('are files of their controllers in version 1', () => {
    expect(limitFiles(1, limits)).toEqual([
      ['cpu', 'cpu.shares', '512'],
      ['cpu', 'cpu.cfs_quota_us', '150000'],
      ['memory', 'memory.limit_in_bytes', '268435456'],
      ['pids', 'pids.max', '100'],
    ]);
  });

  it('are files of one folder in version 2', () => {
    expect(limitFiles(2, limits)).toEqual([
      ['unified', 'cpu.weight', '20'],
      ['unified', 'cpu.max', '150000 100000'],
      ['unified', 'memory.max', '268435456'],
      ['unified', 'pids.max', '100'],
    ]);
  });

  it('that are not given are left as they are', () => {
    expect(limitFiles(1, {})).toEqual([]);
    expect(limitFiles(2, { pids: 7 })).toEqual([['unified', 'pids.max', '7']]);
  });

  it('of CPU keep their proportions in version 2, within its range', () => {
    expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 39, 10_000]);
  });

  it('of CPU never throttle a container to nothing', () => {
    expect(cpuQuota(0.001).quota).toBe(1000);
  });
});
