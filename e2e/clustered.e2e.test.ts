import { join } from 'node:path';

import { Cls, Dict, FunctionTimeoutError, InputCancellation, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Job, Pair, Result } from './clustered-app.ts';
import { startPlatformWith } from './deployed-platform.ts';
import { type Platform, runCli } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'clustered-app.ts');
const RANKS = [0, 1, 2];
/** A machine that is busy starts containers slowly. */
const SOON = { timeout: 60_000, interval: 100 };

const team = RemoteFunction.fromName<(job: Job) => Result>('clustered', 'team');
const notes = Dict.fromName<string, number>('cluster-notes', { createIfMissing: true });

let platform: Platform;
let jobs = 0;

/** A job of a name that no other has, so that a test can be run again. */
const aJob = (job: Omit<Job, 'name'> = {}): Job => ({ name: `job ${++jobs}`, ...job });

const counts = (job: Job, what: string): Promise<(number | undefined)[]> =>
  Promise.all(RANKS.map((rank) => notes.get(`${job.name} ${what} ${rank}`)));

interface Listed {
  containerId: string;
  state: string;
  running: number;
  functionName: string;
  gang?: { leader: string; rank: number };
}

async function containersOf(name: string): Promise<Listed[]> {
  const { stdout } = await runCli(['container', 'list', '--json'], platform.env);
  const listed = JSON.parse(stdout) as Listed[];
  return listed.filter(({ functionName, state }) => functionName === name && state !== 'stopped');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

beforeAll(async () => {
  platform = await startPlatformWith(ENTRY, ['--driver', 'process']);
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
});

describe('a clustered function', () => {
  it('runs each call in all its containers, which reach each other, and again in the same ones', async () => {
    const first = await team.remote(aJob());
    expect(first.sums).toEqual([6, 6, 6]);
    expect(new Set(first.addresses).size).toBe(3);
    const job = aJob();
    const second = await team.remote(job);
    expect(second).toEqual(first);
    expect(await counts(job, 'begun')).toEqual([1, 1, 1]);
    const listed = await containersOf('team');
    expect(listed.map(({ gang }) => gang?.rank).sort()).toEqual(RANKS);
    for (const { gang } of listed) expect(gang?.leader).toBe(first.id);
  });

  it('tells the lines of its ranks apart in the log', async () => {
    const job = aJob();
    await team.remote(job);
    await vi.waitFor(async () => {
      const { stdout } = await runCli(['app', 'logs', 'clustered'], platform.env);
      for (const rank of RANKS) expect(stdout).toContain(`[rank ${rank}] knows the sum in ${job.name}`);
    }, SOON);
  });

  it('takes one input at a time, whatever a caller asks for', async () => {
    const wide = team.withConcurrency({ maxInputs: 2 });
    await expect(wide.remote(aJob())).rejects.toThrow('"team" is clustered: it takes one input at a time');
  });

  it('knows its gang in hooks, too', async () => {
    const PairClass = await Cls.fromName<typeof Pair>('clustered', 'Pair');
    expect(await PairClass.instance().where.remote()).toBe('0 of 2');
  });

  it('whose code throws in one rank runs again in all, and goes on after that', async () => {
    const job = aJob({ failure: { rank: 2, by: 'throwing', times: 1 } });
    expect((await team.remote(job)).sums).toEqual([6, 6, 6]);
    expect(await counts(job, 'begun')).toEqual([2, 2, 2]);
    expect(await counts(job, 'aborted')).toEqual([1, 1, undefined]);
  });

  it('fails with the error of the rank that threw, which says which one it was', async () => {
    const job = aJob({ failure: { rank: 1, by: 'throwing', times: 9 } });
    await expect(team.remote(job)).rejects.toThrow('rank 1 of 3: it will not add');
    expect(await counts(job, 'begun')).toEqual([2, 2, 2]);
  });

  it.each<[rank: number, by: 'dying' | 'preemption']>([
    [0, 'dying'],
    [2, 'dying'],
    [1, 'preemption'],
  ])(
    'runs again in other containers after rank %s had to end by %s, and leaves nothing behind',
    async (rank, by) => {
      const before = await team.remote(aJob());
      const job = aJob({ failure: { rank, by, times: 1 } });
      const after = await team.remote(job);
      expect(after.sums).toEqual([6, 6, 6]);
      expect(after.id).not.toBe(before.id);
      expect(await notes.get(`${job.name} begun ${rank}`)).toBe(2);
      await vi.waitFor(async () => {
        const listed = await containersOf('team');
        expect(listed.map(({ gang }) => gang?.leader)).toEqual([after.id, after.id, after.id]);
        expect(isAlive(before.pid)).toBe(false);
      }, SOON);
    },
  );

  it('whose time is over fails when that was the last attempt, and has gangs of its own for other options', async () => {
    const hurried = team.withOptions({ timeoutMs: 1_000, scaledownWindowMs: 2_000 });
    await expect(hurried.remote(aJob({ isEndless: true }))).rejects.toBeInstanceOf(FunctionTimeoutError);
    const { id } = await team.remote(aJob());
    await vi.waitFor(async () => {
      const listed = await containersOf('team');
      expect(listed.map(({ gang }) => gang?.leader)).toEqual([id, id, id]);
    }, SOON);
  });

  it('is aborted in all ranks when its call is cancelled', async () => {
    const job = aJob({ isEndless: true });
    const call = await team.spawn(job);
    await vi.waitFor(async () => expect(await counts(job, 'begun')).toEqual([1, 1, 1]), SOON);
    const { id } = await gangOf('team');
    await call.cancel();
    await expect(call.get()).rejects.toBeInstanceOf(InputCancellation);
    await vi.waitFor(async () => expect(await counts(job, 'aborted')).toEqual([1, 1, 1]), SOON);
    expect((await team.remote(aJob())).id).toBe(id);
  });

  it('whose code does not end when it is cancelled loses its containers', async () => {
    const job = aJob({ isEndless: true, isDeaf: true });
    const call = await team.spawn(job);
    await vi.waitFor(async () => expect(await counts(job, 'begun')).toEqual([1, 1, 1]), SOON);
    const { id } = await gangOf('team');
    await call.cancel();
    await expect(call.get()).rejects.toBeInstanceOf(InputCancellation);
    const after = await team.remote(aJob());
    expect(after.id).not.toBe(id);
    expect(after.sums).toEqual([6, 6, 6]);
  });
});

async function gangOf(name: string): Promise<{ id: string }> {
  const [container] = await containersOf(name);
  return { id: container?.gang?.leader ?? '' };
}
