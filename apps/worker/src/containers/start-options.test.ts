import type { StartOptions } from '@gantry/containers';
import type { FunctionOptionsSpec, PrivateNetworkKind } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { limitsOf, startOptions } from './start-options.ts';

const driverOf = (name: string, isolation: boolean, privateNetwork?: PrivateNetworkKind) => ({
  capabilities: { name, isolation, images: false, privateNetwork },
});

function optionsOf(
  options: FunctionOptionsSpec,
  { driver = driverOf('isolating', true), gpus = undefined as number[] | undefined } = {},
): Promise<StartOptions> {
  type StartArguments = Parameters<typeof startOptions>;
  const order = { containerId: 'ta-1', record: { spec: { options } }, gpus } as unknown as StartArguments[0];
  return startOptions(order, { driver, bundles: {} } as unknown as StartArguments[1]);
}

describe('what a container gets', () => {
  it('may burst to 16 cores above its request, and has no limit of memory unless it says so', () => {
    expect(limitsOf({ cpu: 0.5, memoryMiB: 512 })).toMatchObject({ cpu: 0.5, cpuLimit: 16.5 });
    expect(limitsOf({ cpu: 0.5, memoryMiB: 512 }).memoryMiB).toBeUndefined();
    expect(limitsOf({})).toMatchObject({ cpu: 0.125, cpuLimit: 16.125 });
  });

  it('is limited to what its options say', () => {
    expect(limitsOf({ cpu: [1, 2], memoryMiB: [128, 256], ephemeralDiskMiB: 1_000 })).toEqual({
      cpu: 1,
      cpuLimit: 2,
      memoryMiB: 256,
      diskMiB: 1_000,
    });
  });

  it('has the GPUs that the scheduler chose', async () => {
    expect((await optionsOf({ gpu: ['T4:2'] }, { gpus: [1, 3] })).gpus).toEqual([1, 3]);
  });

  it('reaches nothing if its network is blocked, which a driver without isolation refuses', async () => {
    expect((await optionsOf({})).network).toBe('outbound');
    expect((await optionsOf({ blockNetwork: true })).network).toBe('none');
    const refused = optionsOf({ blockNetwork: true }, { driver: driverOf('process', false) });
    await expect(refused).rejects.toThrow('needs isolated containers');
  });

  it('has the address of its private network, which a driver without one refuses', async () => {
    const order = { containerId: 'ta-1', record: { spec: { options: { privateNetwork: true } } } };
    const optionsWith = (driver: unknown) =>
      startOptions(order as never, { driver, bundles: {}, privateLink: { address: 'fdaa::1' } } as never);
    expect((await optionsWith(driverOf('isolating', true, 'region'))).privateLink?.address).toBe('fdaa::1');
    await expect(optionsWith(driverOf('alone', true))).rejects.toThrow('containers that reach each other');
  });
});
