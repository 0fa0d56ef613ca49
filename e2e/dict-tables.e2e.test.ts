import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { Dict, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { follow, look, own, read } from './dict-tables-app.ts';
import type { Platform } from './platform.ts';

const noRunc = findRuncProblem()?.message;
if (noRunc) console.warn(`SKIPPED: tables in runc containers, ${noRunc}`);

describe.each(['process', ...(noRunc ? [] : ['runc'])])('a dict that %s containers read often', (driver) => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatformWith(join(import.meta.dirname, 'dict-tables-app.ts'), ['--driver', driver]);
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  it('shows them each value that was written, in order, while their other work goes on', async () => {
    await using dict = await Dict.ephemeral<string, number>();
    const last = 200;
    const following = RemoteFunction.fromName<typeof follow>('dict-tables', 'follow').remote(dict, last);
    for (let number = 0; number <= last; number++) await dict.put('number', number);
    const { seen, turns } = await following;
    expect(seen).toEqual([...seen].sort((left, right) => left - right));
    expect(seen.at(-1)).toBe(last);
    expect(seen.length).toBeGreaterThan(20);
    expect(turns).toBeGreaterThan(10);
  });

  it('shows them what was written, updated, or removed before they were asked to look', async () => {
    await using dict = await Dict.ephemeral<string, number>();
    const reader = RemoteFunction.fromName<typeof read>('dict-tables', 'read');
    for (let number = 1; number <= 30; number++) {
      if (number % 3 === 0) await dict.update({ key: number });
      else await dict.put('key', number);
      expect(await reader.remote(dict, 'key')).toEqual({ value: number, has: true });
      if (number % 10 !== 0) continue;
      if (number === 20) await dict.clear();
      else expect(await dict.pop('key')).toBe(number);
      expect(await reader.remote(dict, 'key')).toEqual({ value: undefined, has: false });
    }
  });

  it('shows a container what it wrote itself', async () => {
    await using dict = await Dict.ephemeral<string, number>();
    expect(await RemoteFunction.fromName<typeof own>('dict-tables', 'own').remote(dict)).toEqual([]);
  });
});

describe.skipIf(noRunc)('the table of a dict', () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await startPlatformWith(join(import.meta.dirname, 'dict-tables-app.ts'), ['--driver', 'runc']);
  });
  afterAll(() => platform[Symbol.asyncDispose]());

  it('is seen by the containers that read this dict, who cannot change it', async () => {
    await using dict = await Dict.ephemeral<string, number>();
    await using other = await Dict.ephemeral<string, number>();
    const looks = RemoteFunction.fromName<typeof look>('dict-tables', 'look');
    await dict.put('number', 1);
    await other.put('number', 2);
    const { names, attempts } = await looks.remote(dict);
    expect(names).toHaveLength(1);
    expect(attempts).toEqual(['EACCES', 'ENOENT']);
    expect((await looks.remote(other)).names.filter((name) => !names.includes(name))).toHaveLength(1);
  });
});
