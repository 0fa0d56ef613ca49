import { join } from 'node:path';

import { Dict, Queue, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { Platform } from './platform.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(join(import.meta.dirname, 'collections-app.ts'));
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

describe('dicts and queues', () => {
  it('join programs and containers: each job is done by one container, and its result is seen here', async () => {
    const jobs = Queue.fromName<{ number: number }>('jobs', { createIfMissing: true });
    const counts = Dict.fromName<string, number>('counts', { createIfMissing: true });
    await jobs.putMany(Array.from({ length: 100 }, (_, number) => ({ number })));
    const work = RemoteFunction.fromName<() => number>('collections', 'work');
    const done = await Promise.all([work.remote(), work.remote()]);
    expect(done.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(await counts.len()).toBe(100);
    expect(await counts.get('job-7')).toBe(49);
    expect(await jobs.len()).toBe(0);
  });

  it('are passed to containers, which read and write large values and make some of their own', async () => {
    await using dict = await Dict.ephemeral<string, Uint8Array>();
    await using queue = await Queue.ephemeral<string>();
    await dict.put('in', new Uint8Array(2_000_000));
    type Reply = (dict: Dict<string, Uint8Array>, queue: Queue<string>) => number;
    expect(await RemoteFunction.fromName<Reply>('collections', 'reply').remote(dict, queue)).toBe(1);
    expect(await queue.getMany(5)).toEqual(['2000000 bytes', 'done']);
    const out = await dict.get('out');
    expect([out?.length, out?.at(-1)]).toEqual([2_000_000, 9]);
  });

  it('are refused to code with restrictAccess', async () => {
    const dict = Dict.fromName<string, number>('counts');
    const restricted = RemoteFunction.fromName<(dict: Dict<string, number>) => string[]>(
      'collections',
      'restricted',
    );
    const ends = await restricted.remote(dict);
    expect(ends).toHaveLength(3);
    for (const end of ends)
      expect(end).toContain('AuthError: the option "restrictAccess" keeps this code from');
  });
});
