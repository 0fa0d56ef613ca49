import { existsSync } from 'node:fs';

import { findRuncProblem } from '@gantry/containers';
import { connectMessaging } from '@gantry/messaging';
import { newId } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { startNats } from '@gantry/testing';
import { describe, expect, it, vi } from 'vitest';

import { RegionNetwork } from './region-network.ts';

const isPossible = findRuncProblem() === undefined && existsSync('/dev/net/tun') && process.getuid?.() === 0;

describe.skipIf(!isPossible)('the private network of a worker (needs root and /dev/net/tun)', () => {
  it('is one for all its containers, which are told when it is lost; the next one has another', async () => {
    await using nats = await startNats();
    const messaging = await connectMessaging({ url: nats.url, name: 'test' });
    await messaging.ensureStreams();
    const network = new RegionNetwork({
      ...{ workerId: newId('wk'), region: undefined, registry: messaging.registry },
      connect: () => connectMessaging({ url: nats.url, name: 'packets' }),
      log: createLogger({ name: 'worker', level: 'silent' }),
    });
    try {
      const [onLost, onReleasedLost] = [vi.fn(), vi.fn()];
      const [one, other, released] = await Promise.all([
        network.take(onLost),
        network.take(onLost),
        network.take(onReleasedLost),
      ]);
      network.release(released);
      expect(one.address.split(':').slice(0, 5)).toEqual(other.address.split(':').slice(0, 5));
      expect(one.address).not.toBe(other.address);
      expect(one.router).toBe(other.router);

      process.kill(Number(one.router?.split('/')[2]), 'SIGKILL');
      await expect.poll(() => onLost.mock.calls.length, { timeout: 60_000 }).toBe(2);
      expect(onReleasedLost).not.toHaveBeenCalled();

      const next = await network.take(vi.fn());
      expect(next.router).not.toBe(one.router);
      expect(existsSync(next.router ?? '')).toBe(true);
      await network.close();
      expect(existsSync(next.router ?? '')).toBe(false);
    } finally {
      await network.close();
      await messaging.close();
    }
  });
});
