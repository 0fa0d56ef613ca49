import { describe, expect, it } from 'vitest';

import { describe as describeNeed, type MachineFacts, misfitOf } from './fit.ts';

const gpu = (index: number, type: string) => ({ index, type, memoryMiB: 81_559 });
const MACHINES: MachineFacts[] = [
  {
    workerId: 'wk-1',
    capacity: { cpu: 4, memoryMiB: 8_192, diskMiB: 10_000 },
    labels: { region: 'us-east' },
  },
  {
    workerId: 'wk-1',
    capacity: { cpu: 2, memoryMiB: 65_536, gpus: [gpu(0, 'H100'), gpu(1, 'H100'), gpu(2, 'T4')] },
    labels: { region: 'eu-west', cloud: 'own' },
  },
];

describe('a function that no machine fits', () => {
  it.each([
    [{ cpu: 8 }, true, 'cpu 8 is more than any machine has: the most is 4'],
    [{ memoryMiB: 100_000 }, true, 'memoryMiB 100000 is more than any machine has: the most is 65536'],
    [{ gpu: ['H100:3'] }, true, 'no machine has so many GPUs, 3 of type H100: the most is 2'],
    [{ gpu: ['ANY:3'] }, true, 'no machine has so many GPUs, 3 of any one type: the most is 2'],
    [{ cpu: 4, memoryMiB: 60_000 }, true, 'no machine has cpu 4, memoryMiB 60000'],
    [{ gpu: ['B200', 'L4'] }, false, 'no machine has a GPU of type B200 or L4'],
    [{ gpu: ['H100:8', 'B200'] }, false, 'no machine has so many GPUs, 8 of type H100: the most is 2'],
    [{ region: ['ap', 'us-west'] }, false, 'no worker is in region ap or us-west'],
    [{ region: ['us'], cloud: 'own' }, false, 'no worker is in region us of cloud own'],
    [{ blockNetwork: true }, false, 'no worker has isolated containers, which "blockNetwork" needs'],
    [
      { privateNetwork: true },
      false,
      'no worker has containers that reach each other, which "privateNetwork" needs',
    ],
    [{ gpu: ['T4'], region: ['us'] }, false, 'no machine has cpu 0.125, memoryMiB 128, gpu T4, region us'],
  ])('asks for %j, which is too much for all of them: %s', (options, isTooLarge, reason) => {
    expect(misfitOf(options, MACHINES)).toEqual({ isTooLarge, reason });
  });

  it.each([
    {},
    { cpu: 4, memoryMiB: 8_192, ephemeralDiskMiB: 10_000 },
    { gpu: ['B200', 'H100:2'], memoryMiB: 65_536 },
    { region: ['us'] },
  ])('is not one that asks for %j', (options) => {
    expect(misfitOf(options, MACHINES)).toBeUndefined();
  });

  it('that takes any GPU waits for one of any type', () => {
    const without = [{ workerId: 'wk-3', capacity: { cpu: 4, memoryMiB: 8_192 }, labels: {} }];
    expect(misfitOf({ gpu: ['H100:2', 'ANY'] }, without)?.reason).toBe('no machine has a GPU');
  });

  it.each([
    [{ cpu: 2, cluster: { size: 3 } }, 2],
    [{ gpu: ['H100', 'B200'], cluster: { size: 3 } }, 2],
    [{ memoryMiB: 8_192, cpu: 0.1, cluster: { size: 9 } }, 8],
  ])('asks for %j: more at once than machines have that reach each other', (options, most) => {
    const misfit = misfitOf(options, MACHINES);
    expect(misfit?.isTooLarge).toBe(false);
    expect(misfit?.reason).toContain(`have room for ${options.cluster.size} containers at once`);
    expect(misfit?.reason).toMatch(new RegExp(`: the most is ${most}$`));
    expect(misfitOf({ ...options, cluster: { size: most } }, MACHINES)).toBeUndefined();
  });

  it('is none while no machine is known', () => {
    expect(misfitOf({ cpu: 1_000 }, [])).toBeUndefined();
  });
});

it('what a function asks for is said in the words of its options', () => {
  const options = { cpu: 2, ephemeralDiskMiB: 5, gpu: ['H100', 'T4:2'], cloud: 'aws' };
  expect(describeNeed(options)).toBe('cpu 2, memoryMiB 128, ephemeralDiskMiB 5, gpu H100 or T4:2, cloud aws');
});
