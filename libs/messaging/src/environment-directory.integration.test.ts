import { type EnvironmentsRecord, NotFoundError, registryKeys } from '@gantry/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { EnvironmentDirectory } from './environment-directory.ts';
import { type OwnMessaging, startMessaging } from './messaging.fixture.ts';
import type { Messaging } from './messaging.ts';

let own: OwnMessaging;
let messaging: Messaging;

beforeAll(async () => {
  own = await startMessaging();
  ({ messaging } = own);
});
afterAll(() => own[Symbol.asyncDispose]());

test('environments that were in use before they were kept go on, under what they were called, once', async () => {
  const { registry } = messaging;
  await registry.delete(registryKeys.environments);
  const app = {
    id: 'ap-1',
    name: 'shop',
    environment: 'Live',
    state: 'deployed',
    version: 1,
    createdAtMs: 1,
  };
  await registry.put(registryKeys.app('ap-1'), app);
  await registry.put(registryKeys.volume('vo-1'), { id: 'vo-1', environment: 'live', createdAtMs: 1 });
  await registry.put(registryKeys.secret('main', 's'), { id: 'st-1', environment: 'main' });
  await registry.put(registryKeys.collection('di-1'), { id: 'di-1', environment: '...' });

  const directories = [new EnvironmentDirectory(messaging), new EnvironmentDirectory(messaging)];
  await Promise.all(directories.map((directory) => directory.open()));
  for (const directory of directories) {
    expect(directory.all().map(({ id, name, webSuffix }) => [id, name, webSuffix])).toEqual([
      ['main', 'main', ''],
      ['...', '...', 'environment-2'],
      ['Live', 'Live', 'live'],
      ['live', 'live', 'live-2'],
    ]);
    await directory.close();
  }

  await registry.put(registryKeys.app('ap-2'), { ...app, id: 'ap-2', environment: 'later' });
  const next = new EnvironmentDirectory(messaging);
  await expect(next.idOf('later')).rejects.toThrow(NotFoundError);
  await next.close();
});

test('one that another process made is found at once; those that are known need no request', async () => {
  const { registry } = messaging;
  let asked = 0;
  const get = <T>(key: string) => {
    asked++;
    return registry.get<T>(key);
  };
  const counted = Object.assign(Object.create(registry) as Messaging['registry'], {
    get,
    create: registry.create.bind(registry),
    list: registry.list.bind(registry),
    watch: registry.watch.bind(registry),
  });
  const directory = new EnvironmentDirectory({ registry: counted });
  const { value, revision } = await directory.refresh();
  const made = { id: 'en-1', name: 'dev', webSuffix: 'dev', createdAtMs: 1 };
  const changed: EnvironmentsRecord = { ...value, environments: [...value.environments, made] };
  expect(await registry.update(registryKeys.environments, changed, revision)).toBe(true);
  expect(await directory.idOf('dev')).toBe('en-1');
  asked = 0;
  expect(await directory.idOf('dev')).toBe('en-1');
  expect(await directory.idOf('en-1')).toBe('en-1');
  expect(await directory.idOf('main')).toBe('main');
  expect(directory.nameOf('en-1')).toBe('dev');
  expect(asked).toBe(0);
  await directory.close();
});

test('a name that was the id of a deleted one is a name again', async () => {
  const directory = new EnvironmentDirectory(messaging);
  const { value, revision } = await directory.refresh();
  const again = { id: 'en-2', name: 'old', webSuffix: 'old', createdAtMs: 1 };
  const gone = { id: 'old', name: 'renamed', deletedAtMs: 1 };
  const changed = { environments: [...value.environments, again], deleted: [gone] };
  expect(await messaging.registry.update(registryKeys.environments, changed, revision)).toBe(true);
  expect(await directory.idOf('old')).toBe('en-2');
  expect(directory.nameOf('old')).toBe('old');
  await directory.close();
});

test('what is still in a deleted one is told so, by its name', async () => {
  const directory = new EnvironmentDirectory(messaging);
  const { value, revision } = await directory.refresh();
  const changed = { ...value, deleted: [{ id: 'en-3', name: 'brief', deletedAtMs: 1 }] };
  expect(await messaging.registry.update(registryKeys.environments, changed, revision)).toBe(true);
  await expect(directory.idOf('en-3')).rejects.toThrow('the environment "brief" was deleted');
  await expect(directory.idOf('brief')).rejects.toThrow('there is no environment "brief"');
  await directory.close();
});
