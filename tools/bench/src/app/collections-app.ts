import { readlinkSync } from 'node:fs';

import { App, Dict, method, Queue } from 'gantry';
import { Redis } from 'ioredis';

import { type BothSamples, sampleInTurns, type Store, type StoreLoad } from '../clients/collection-load.ts';

export const app = new App('bench-collections');

@app.cls({ scaledownWindowMs: 60_000, maxContainers: 1, timeoutMs: 600_000 })
export class Collections {
  /** The network namespace of the container, as the kernel names it. */
  @method()
  network(): string {
    return readlinkSync('/proc/self/ns/net');
  }

  /** Dict and Queue, and a Redis that listens on this port of the container's own loopback, from one process. */
  @method()
  async sample(port: number, load: StoreLoad): Promise<BothSamples> {
    await using dict = await Dict.ephemeral<string, string>();
    await using queue = await Queue.ephemeral<string>();
    const gantry: Store = {
      set: (key, value) => dict.put(key, value),
      get: (key) => dict.get(key),
      put: (value) => queue.put(value),
      take: () => queue.get(),
    };
    // A blocked BRPOP holds its connection, so each caller that takes has one of its own.
    const client = connect(port);
    const takers = Array.from({ length: load.parallel.callers }, () => connect(port));
    let turn = 0;
    const redis: Store = {
      set: (key, value) => client.set(key, value),
      get: (key) => client.get(key),
      put: (value) => client.lpush('items', value),
      take: () => (takers[turn++ % takers.length] as Redis).brpop('items', 0),
    };
    try {
      return await sampleInTurns({ gantry, redis }, load);
    } finally {
      for (const connection of [client, ...takers]) connection.disconnect();
    }
  }
}

function connect(port: number): Redis {
  return new Redis({ host: '127.0.0.1', port });
}
