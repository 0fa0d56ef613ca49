import { join } from 'node:path';

import { Dict, Queue, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import { runCli, type Platform } from './platform.ts';

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

  it('give nothing to code whose input was cancelled while it waited', async () => {
    await using queue = await Queue.ephemeral<string>();
    const wait = RemoteFunction.fromName<(queue: Queue<string>) => string | null>('collections', 'wait');
    const call = await wait.spawn(queue);
    expect(await queue.get({ partition: 'state', timeoutMs: 60_000 })).toBe('waits');
    await call.cancel();
    await expect(call.get()).rejects.toThrow('cancelled');
    await queue.put('job');
    expect(await queue.get({ timeoutMs: 60_000 })).toBe('job');
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

describe('the commands', () => {
  const gantry = (...args: string[]) => runCli(args, platform.env);

  it('of dicts make, list, show, clear and delete them', async () => {
    expect((await gantry('dict', 'create', 'cli')).stdout).toContain('There is a dict cli');
    expect((await gantry('dict', 'create', 'cli')).code).toBe(0);
    const dict = Dict.fromName<unknown, unknown>('cli');
    expect((await gantry('dict', 'items', 'cli')).stderr).toContain('Dict "cli" has no entries.');
    await dict.update(
      new Map<unknown, unknown>([
        ['text', 'as it is'],
        [7, { a: [1n] }],
      ]),
    );
    expect((await gantry('dict', 'get', 'cli', 'text')).stdout).toBe('as it is\n');
    const missing = await gantry('dict', 'get', 'cli', '7');
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('no entry of the key "7"')]);
    expect((await gantry('dict', 'items', 'cli')).stdout).toMatch(
      /KEY\s+VALUE\ntext\s+as it is\n7\s+\{ a: \[/,
    );
    expect((await gantry('dict', 'items', 'cli', '1')).stderr).toContain('There are more');
    expect((await gantry('dict', 'items', 'cli', '--repr')).stdout).toContain("'text'  'as it is'");
    const json = JSON.parse((await gantry('dict', 'items', 'cli', '--json', '--all')).stdout) as unknown;
    expect(json).toEqual([
      { key: 'text', value: 'as it is' },
      { key: 7, value: { a: ['1n'] } },
    ]);
    expect((await gantry('dict', 'list')).stdout).toMatch(/cli\s+di-\w+\s+2\s/);
    expect((await gantry('dict', 'clear', 'cli', '--yes')).stdout).toBe('Cleared dict "cli".\n');
    expect(await dict.len()).toBe(0);
    expect((await gantry('dict', 'delete', 'cli', '--yes')).code).toBe(0);
    expect((await gantry('dict', 'items', 'cli')).stderr).toContain('there is no dict "cli"');
  });

  it('of queues make, list, show, count, clear and delete them', async () => {
    expect((await gantry('queue', 'create', 'cli')).code).toBe(0);
    const queue = Queue.fromName<unknown>('cli');
    await queue.putMany(['one', { two: 2 }, 3]);
    await queue.put('other', { partition: 'p' });
    expect((await gantry('queue', 'peek', 'cli')).stdout).toBe('one\n');
    expect((await gantry('queue', 'peek', 'cli', '2')).stdout).toBe('one\n{ two: 2 }\n');
    expect((await gantry('queue', 'peek', 'cli', '--partition', 'p')).stdout).toBe('other\n');
    expect((await gantry('queue', 'len', 'cli')).stdout).toBe('3\n');
    expect((await gantry('queue', 'len', 'cli', '--total')).stdout).toBe('4\n');
    expect((await gantry('queue', 'list', '--json')).stdout).toContain('"partitions": 2');
    expect((await gantry('queue', 'clear', 'cli', '--yes')).code).toBe(0);
    expect(await queue.len({ total: true })).toBe(1);
    expect((await gantry('queue', 'clear', 'cli', '--all', '--yes')).code).toBe(0);
    expect((await gantry('queue', 'peek', 'cli', '-p', 'p')).stderr).toContain('has no items');
    const unasked = await gantry('queue', 'delete', 'cli');
    expect([unasked.code === 0, unasked.stderr]).toEqual([false, expect.stringContaining('--yes')]);
    expect((await gantry('queue', 'delete', 'cli', '--yes')).stdout).toBe('Deleted queue "cli".\n');
  });
});
