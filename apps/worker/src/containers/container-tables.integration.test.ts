import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openSharedFolder, removeSharedFolder } from '@gantry/containers';
import type { CollectionRequest } from '@gantry/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { ContainerTables, WorkerTables } from './container-tables.ts';

let servers: string;
let own: string;
let tables: ContainerTables;
let shown: string[];
let answer: (request: CollectionRequest) => unknown;

beforeEach(() => {
  servers = openSharedFolder() as string;
  own = openSharedFolder() as string;
  shown = [];
  answer = ({ operation }) => ({ path: join(servers, `table-${(operation as { id: string }).id}`) });
  for (const id of ['a', 'b']) writeFileSync(join(servers, `table-${id}`), id);
  tables = tablesOf({});
});

afterEach(() => {
  for (const folder of [servers, own]) removeSharedFolder(folder);
});

function tablesOf(changes: Partial<ConstructorParameters<typeof ContainerTables>[0]>): ContainerTables {
  return new ContainerTables({
    messaging: { nearby: () => (request) => answer(request as CollectionRequest), request: vi.fn() },
    isRestricted: false,
    folder: () => Promise.resolve(join(own, 'ta-1')),
    show: (folder) => {
      shown.push(folder);
      return Promise.resolve('/inside');
    },
    ...changes,
  });
}

test('a container is shown one folder, in which are the tables that it asked for', async () => {
  expect(await Promise.all([tables.open('a'), tables.open('a')])).toEqual([
    '/inside/table-a',
    '/inside/table-a',
  ]);
  expect(readdirSync(join(own, 'ta-1'))).toEqual(['table-a']);
  writeFileSync(join(servers, 'table-a'), 'changed');
  expect(readFileSync(join(own, 'ta-1', 'table-a'), 'utf8')).toBe('changed');
  expect(await tables.open('b')).toBe('/inside/table-b');
  expect(shown).toEqual([join(own, 'ta-1')]);
});

test('tables that their server has taken away go with the next one', async () => {
  await tables.open('a');
  rmSync(join(servers, 'table-a'));
  await tables.open('b');
  expect(readdirSync(join(own, 'ta-1'))).toEqual(['table-b']);
});

test('the folder goes with the container', async () => {
  await tables.open('a');
  tables.close();
  await vi.waitFor(() => expect(existsSync(join(own, 'ta-1'))).toBe(false));
});

test.each([
  ['its server has none', { path: undefined }, {}],
  ['the table is on another machine', { path: '/nowhere/table' }, {}],
  ['its driver shows nothing', undefined, { show: () => Promise.resolve(undefined) }],
  ['there is no memory for it', undefined, { folder: () => Promise.resolve(undefined) }],
  ['its code may use no object', undefined, { isRestricted: true }],
])('a container goes on without a table where %s', async (_, answered, changes) => {
  if (answered) answer = () => answered;
  expect(await tablesOf(changes).open('a')).toBeUndefined();
});

test('a server that knows no tables is no error', async () => {
  answer = () => {
    throw new Error('nothing to do with it');
  };
  expect(await tables.open('a')).toBeUndefined();
});

test('those of a worker lie in one folder, which goes with it', async () => {
  const worker = new WorkerTables({
    nearby: () => (request) => answer(request as CollectionRequest),
    request: vi.fn(),
  });
  const order = { containerId: 'ta-2', record: { spec: { options: {} } } } as never;
  let folder = '';
  const show = (path: string) => {
    folder = path;
    return Promise.resolve(path);
  };
  expect(await worker.of(order, show).open('a')).toBe(join(folder, 'table-a'));
  mkdirSync(join(folder, 'left'));
  await worker.close();
  expect(existsSync(join(folder, '..'))).toBe(false);
});
