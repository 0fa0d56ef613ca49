import { join } from 'node:path';

import { NotFoundError, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { ask, where } from './environments-app.ts';
import { type Platform, runCli } from './platform.ts';

const APP = join(import.meta.dirname, 'environments-app.ts');
const LIMIT_MS = 120_000;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(APP);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

async function gantry(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, platform.env);
  expect(code, stdout + stderr).toBe(0);
  return stdout + stderr;
}

const inside = (environment: string) =>
  RemoteFunction.fromName<typeof where>('places', 'where', { environment });

test(
  'an app in two environments has its own objects in each; containers outlive a new name of theirs, and go with its end',
  async () => {
    const early = await runCli(['deploy', APP, '--env', 'dev'], platform.env);
    expect(early).toMatchObject({ code: 1 });
    expect(early.stderr).toContain('there is no environment "dev"');
    expect(early.stderr).toContain('Make it: gantry environment create dev');
    await gantry('environment', 'create', 'dev');
    expect(await gantry('deploy', APP, '--env', 'dev')).toContain('https://local-dev--places-site-page.');

    expect(await inside('main').remote('a')).toMatchObject({
      ...{ environment: 'main', notes: ['a'], volumes: ['main/of-a'] },
    });
    const before = await inside('dev').remote('b');
    expect(before).toMatchObject({ environment: 'dev', notes: ['b'], volumes: ['dev/of-b'] });

    expect(await gantry('environment', 'update', 'dev', '--set-name', 'staging')).toContain(
      'The environment dev is now called staging.',
    );
    const after = await inside('staging').remote('c');
    expect(after).toEqual({
      ...{ environment: 'dev', container: before.container },
      ...{ notes: ['b', 'c'], volumes: ['staging/of-b', 'staging/of-c'] },
    });
    // Not one that this program has looked up before.
    const unknown = RemoteFunction.fromName<typeof ask>('places', 'ask', { environment: 'dev' });
    await expect(unknown.remote('d')).rejects.toThrow('there is no environment "dev"');

    const asking = RemoteFunction.fromName<typeof ask>('places', 'ask');
    expect(await asking.remote('e')).toMatchObject({ environment: 'main' });
    expect(await asking.remote('f', 'staging')).toMatchObject({ container: before.container });
    const lost: unknown = await asking.remote('g', 'dev').catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(NotFoundError);
    expect(lost).toMatchObject({ message: 'there is no environment "dev"' });
    const asked = RemoteFunction.fromName<typeof ask>('places', 'ask', { environment: 'staging' });
    expect(await asked.remote('h')).toMatchObject({ container: before.container });

    const gone = await gantry('environment', 'delete', 'staging', '--yes');
    expect(gone).toContain('Deleted the environment staging with 1 app, 4 volumes and 1 dict.');
    await expect(inside('staging').remote('i')).rejects.toThrow(NotFoundError);
    await expect
      .poll(async () => (await gantry('container', 'list', '--json')).includes(before.container ?? ''), {
        timeout: 60_000,
      })
      .toBe(false);
    expect(await inside('main').remote('j')).toMatchObject({ notes: ['a', 'e', 'j'] });
  },
  LIMIT_MS,
);
