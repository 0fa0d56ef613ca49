import { join } from 'node:path';

import { waitUntil } from '@gantry/testing';
import { Cls, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import { fetchHttps, runCli, type Platform } from './platform.ts';
import type {
  Company,
  Place,
  Shared,
  single,
  SlowStart,
  tuner,
  visitor,
  where,
  worn,
} from './scaling-app.ts';

const ENTRY = join(import.meta.dirname, 'scaling-app.ts');

let platform: Platform;

async function deploy(): Promise<void> {
  const deployed = await runCli(['deploy', ENTRY], platform.env);
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
}

beforeAll(async () => {
  platform = await startPlatformWith(ENTRY);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

const containersOf = async (handle: {
  getCurrentStats(): Promise<{ numTotalContainers: number }>;
}): Promise<number> => (await handle.getCurrentStats()).numTotalContainers;

describe('live settings of the autoscaler', () => {
  test('keep containers without a deploy, until the next deploy', async () => {
    const handle = RemoteFunction.fromName<typeof where>('scaling', 'where');
    expect(await handle.getCurrentStats()).toEqual({
      backlog: 0,
      numTotalContainers: 0,
      numRunningInputs: 0,
    });

    await handle.updateAutoscaler({ minContainers: 2 });
    await waitUntil(async () => (await containersOf(handle)) === 2, { timeoutMs: 20_000 });
    // What is left out keeps its value.
    await handle.updateAutoscaler({ scaledownWindowMs: 2_500 });
    await expect(handle.updateAutoscaler({ maxContainers: 1 })).rejects.toThrow(
      'minContainers (2) is above maxContainers (1)',
    );
    await deploy();

    await waitUntil(async () => (await containersOf(handle)) === 0, { timeoutMs: 30_000 });
  });

  test('can be changed from inside a container', async () => {
    const tune = RemoteFunction.fromName<typeof tuner>('scaling', 'tuner');
    const handle = RemoteFunction.fromName<typeof where>('scaling', 'where');

    expect(await tune.remote(1)).toMatchObject({ backlog: 0 });

    await waitUntil(async () => (await containersOf(handle)) === 1, { timeoutMs: 20_000 });
    await tune.remote(0);
  });

  test('of an instance concern its containers, those of the class all of them', async () => {
    const cls = Cls.fromName<typeof Place>('scaling', 'Place');
    const there = cls.instance({ name: 'there' }).where;

    await there.updateAutoscaler({ minContainers: 1 });
    await waitUntil(async () => (await containersOf(there)) === 1, { timeoutMs: 20_000 });
    expect(await containersOf(cls.instance().where)).toBe(0);
    expect(await containersOf(cls)).toBe(1);
    // The class's maximum is above, the instance's minimum stays.
    await cls.updateAutoscaler({ maxContainers: 1 });
    await expect(there.updateAutoscaler({ minContainers: 2 })).rejects.toThrow(
      'minContainers (2) is above maxContainers (1)',
    );
    await there.updateAutoscaler({ minContainers: 0 });
    await waitUntil(async () => (await containersOf(cls)) === 0, { timeoutMs: 20_000 });
    await cls.updateAutoscaler({ maxContainers: 9 });
  });

  test('are refused out of range', async () => {
    const handle = RemoteFunction.fromName<typeof where>('scaling', 'where');

    await expect(handle.updateAutoscaler({ minContainers: -1 })).rejects.toMatchObject({
      name: 'InvalidError',
    });
  });
});

describe('containers for a number of inputs', () => {
  test('with a limit of one, each input gets a fresh container', async () => {
    const handle = RemoteFunction.fromName<typeof single>('scaling', 'single');
    const used = await Promise.all(Array.from({ length: 8 }, () => handle.remote()));

    expect(new Set(used).size).toBe(8);
    expect(await handle.remote()).not.toBe(await handle.remote());
  });

  test('end when their code asks for no more inputs', async () => {
    const handle = RemoteFunction.fromName<typeof worn>('scaling', 'worn');
    const first = await handle.remote(false);

    expect(await handle.remote(false)).toBe(first);
    expect(await handle.remote(true)).toBe(first);
    expect(await handle.remote(false)).not.toBe(first);
  });
});

describe('a handle with replaced options', () => {
  const containersUsedBy = (handle: { remote(): Promise<string> }) =>
    Promise.all([1, 2, 3, 4].map(() => handle.remote()));

  test('on a class has containers of its own, with as many places as its caller says', async () => {
    const cls = Cls.fromName<typeof Place>('scaling', 'Place');
    const wide = cls.withOptions({ maxContainers: 1 }).withConcurrency({ maxInputs: 4 });

    const used = await containersUsedBy(wide.instance().where);
    const other = await cls.instance().where.remote();

    expect(new Set(used).size).toBe(1);
    expect(used).not.toContain(other);
    expect(() => cls.withOptions({ minContainers: 1 } as never)).toThrow(
      '"minContainers" cannot be replaced',
    );
  });

  test('on a function has containers of its own, too', async () => {
    const handle = RemoteFunction.fromName<typeof where>('scaling', 'where');
    const wide = handle.withOptions({ maxContainers: 1 }).withConcurrency({ maxInputs: 4 });

    const [first, ...others] = await containersUsedBy(wide);
    const other = await handle.remote();

    expect(others).toEqual([first, first, first]);
    expect(other).not.toBe(first);
  });
});

describe('a container', () => {
  const get = async (url: string | null): Promise<unknown> => {
    const { status, body } = await fetchHttps({ url: url ?? '', caPath: platform.ready.caPath });
    expect(status, body).toBe(200);
    return JSON.parse(body);
  };

  test('serves inputs that come one after the other alone, with its globals and its files', async () => {
    const handle = RemoteFunction.fromName<typeof visitor>('scaling', 'visitor');

    const first = await handle.remote();
    const visits = [first.visits];
    for (let i = 0; i < 20; i++) {
      const { container, visits: count, inFile } = await handle.remote();
      expect({ container, inFile }).toEqual({ container: first.container, inFile: count });
      visits.push(count);
    }

    expect(visits).toEqual(visits.map((_, index) => index + 1));
    expect(await containersOf(handle)).toBe(1);
  });

  test('bursts over its target, and shares its places among all methods and endpoints of its class', async () => {
    const { left, right, web } = Cls.fromName<typeof Shared>('scaling', 'Shared').instance();
    const url = await web.getWebUrl();
    await right.remote();

    const one = async (index: number): Promise<Company> => {
      if (index % 3 === 0) return left.remote();
      return index % 3 === 1 ? right.remote() : ((await get(url)) as Company);
    };
    const companies = await Promise.all(Array.from({ length: 12 }, (_, index) => one(index)));

    expect(new Set(companies.map(({ container }) => container)).size).toBe(1);
    expect(Math.max(...companies.map(({ names }) => names.length))).toBe(3);
    expect(new Set(companies.flatMap(({ names }) => names))).toEqual(new Set(['left', 'right', 'web']));
  });

  test('gets no input and no request before its module and all its enter hooks are through', async () => {
    const { steps, page } = Cls.fromName<typeof SlowStart>('scaling', 'SlowStart').instance();
    const url = await page.getWebUrl();

    const answers = await Promise.all([steps.remote(), get(url), steps.remote(), get(url)]);

    for (const answer of answers) expect(answer).toEqual(['module', 'first', 'second']);
  });
});
