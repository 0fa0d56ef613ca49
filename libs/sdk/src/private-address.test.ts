import { PRIVATE_ADDRESS_VARIABLE } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeHost } from './fake-host.fixture.ts';
import { privateAddress } from './private-address.ts';

let host: FakeHost;

beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => {
  host.uninstall();
  vi.unstubAllEnvs();
});

describe('privateAddress', () => {
  it('is what the platform has told the container', async () => {
    vi.stubEnv(PRIVATE_ADDRESS_VARIABLE, 'fdaa:1:2:3::4');
    expect(await privateAddress()).toBe('fdaa:1:2:3::4');
  });

  it('is refused in a container without a private network, with the option that gives it one', async () => {
    await expect(privateAddress()).rejects.toMatchObject({
      message: 'privateAddress() was called in a container without a private network',
      hint: 'Give its function the option "privateNetwork: true".',
    });
  });

  it('is refused outside of containers, whatever the environment says', async () => {
    host.uninstall();
    vi.stubEnv(PRIVATE_ADDRESS_VARIABLE, 'fdaa:1:2:3::4');
    await expect(privateAddress()).rejects.toThrow('privateAddress() was called outside of a container');
  });
});
