import { App, Dict, Queue } from 'gantry';
import { Redis } from 'ioredis';

import { sampleStore, type Store, type StoreLoad } from '../clients/collection-load.ts';

export const app = new App('bench-collections');

const options = { scaledownWindowMs: 60_000, maxContainers: 1, timeoutMs: 600_000 };

/** Dict and Queue, from inside a container. */
export const gantry = app.function(options, async (load: StoreLoad) => {
  await using dict = await Dict.ephemeral<string, string>();
  await using queue = await Queue.ephemeral<string>();
  const store: Store = {
    set: (key, value) => dict.put(key, value),
    get: (key) => dict.get(key),
    put: (value) => queue.put(value),
    take: () => queue.get(),
  };
  return await sampleStore(store, load);
});

/** Redis, from inside the same kind of container. */
export const redis = app.function(options, async (port: number, load: StoreLoad) => {
  const client = new Redis({ host: '127.0.0.1', port });
  // A blocked BRPOP holds its connection, so each caller that takes has one of its own.
  const takers = Array.from({ length: load.callers }, () => new Redis({ host: '127.0.0.1', port }));
  let turn = 0;
  const store: Store = {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    put: (value) => client.lpush('items', value),
    take: () => takers[turn++ % takers.length]?.brpop('items', 0) ?? Promise.resolve(),
  };
  try {
    return await sampleStore(store, load);
  } finally {
    for (const connection of [client, ...takers]) connection.disconnect();
  }
});
