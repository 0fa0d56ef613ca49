import { join } from 'node:path';

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
const outsider = RemoteFunction.fromName<() => string>('private-network', 'outsider');

describe.each([['process', /^127\.\d+\.\d+\.\d+$/]])('containers of the %s driver', (driver, form) => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatformWith(ENTRY, ['--driver', driver]);
  });
  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
  });

  it('with a private network find each other by a dict, and reach each other at the same port', async () => {
    const names = ['one', 'other'];
    const [asked, ...addresses] = await Promise.all([
      ask.remote(names),
      ...names.map((name) => answer.remote(name)),
    ]);
    expect(asked.answers).toEqual(names.map((name, index) => `${name} is at ${addresses[index]}`));
    expect(new Set([asked.own, ...addresses]).size).toBe(3);
    for (const address of [asked.own, ...addresses]) expect(address).toMatch(form);
  });

  it('without one are told which option gives it to them', async () => {
    expect(await outsider.remote()).toBe(
      'InvalidError: privateAddress() was called in a container without a private network',
    );
  });
});
