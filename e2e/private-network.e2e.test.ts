import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'private-network-app.ts');

const answer = RemoteFunction.fromName<(name: string) => string>('private-network', 'answer');
const ask = RemoteFunction.fromName<(names: string[]) => { own: string; answers: string[] }>(
  'private-network',
  'ask',
);
const pair = RemoteFunction.fromName<() => string>('private-network', 'pair');
const outsider = RemoteFunction.fromName<() => string>('private-network', 'outsider');

const runcProblem =
  findRuncProblem()?.message ?? (existsSync('/dev/net/tun') ? undefined : 'there is no /dev/net/tun');

describe.each([
  { driver: 'process', form: /^127\.\d+\.\d+\.\d+$/, problem: undefined },
  { driver: 'runc', form: /^fdaa(:[0-9a-f]{1,4}){7}$/, problem: runcProblem },
])('containers of the $driver driver', ({ driver, form, problem }) => {
  let platform: Platform;

  beforeAll(async () => {
    if (problem) return;
    platform = await startPlatformWith(ENTRY, ['--driver', driver]);
  });
  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
  });

  it.skipIf(problem)(
    'with a private network find each other by a dict, and reach each other at the same port',
    async () => {
      // New ones, as a dict keeps what an attempt before has put there.
      const names = ['one', 'other'].map((name) => `${name}-${Date.now()}`);
      const [asked, ...addresses] = await Promise.all([
        ask.remote(names),
        ...names.map((name) => answer.remote(name)),
      ]);
      expect(asked.answers).toEqual(names.map((name, index) => `${name} is at ${addresses[index]}`));
      expect(new Set([asked.own, ...addresses]).size).toBe(3);
      for (const address of [asked.own, ...addresses]) expect(address).toMatch(form);
    },
  );

  it.skipIf(problem)('of one gang reach each other', async () => {
    expect(await pair.remote()).toBe('rank 1');
  });

  it.skipIf(problem)('without one are told which option gives it to them', async () => {
    expect(await outsider.remote()).toBe(
      'InvalidError: privateAddress() was called in a container without a private network',
    );
  });
});
