import { NotFoundError } from '@gantry/protocol';
import { expect, test, vi } from 'vitest';

import { fn, manifest } from '../testing/test-client.ts';
import { DeployedVolumes } from './deployed-volumes.ts';

test('a volume that is to be made in an environment that does not exist ends the deploy before anything is made', async () => {
  const create = vi.fn();
  const idOf = async (name: string) => {
    if (name === 'main') return name;
    throw new NotFoundError(`there is no environment "${name}"`);
  };
  const volumes = [{ path: '/v', name: 'v', createIfMissing: true as const, environment: 'stagin' }];
  const order = { manifest: manifest([fn('f', { volumes })]), environment: 'main' };
  const deployed = new DeployedVolumes({ create, find: vi.fn() }, { idOf });
  await expect(deployed.check(order)).rejects.toThrow('there is no environment "stagin"');
  expect(create).not.toHaveBeenCalled();
});
