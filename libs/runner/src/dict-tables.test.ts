import { ftruncateSync, openSync, closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import type { ClientMessage, CollectionOperation } from '@gantry/protocol';
import {
  bucketPosition,
  DICT_TABLE,
  machineTimeMs,
  tableHeader,
  withEntry,
} from '@gantry/protocol/dict-table';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { DictTables } from './dict-tables.ts';

const value = new Uint8Array([1, 2]);
const inAnHourS = () => Date.now() / 1_000 + 3_600;
let folder: TemporaryDirectory;
let file: number;
let asked: string[];
let place: string | undefined;
let requests = 0;

beforeEach(async () => {
  folder = await temporaryDirectory('gantry-tables-');
  [asked, place] = [[], join(folder.path, 'table')];
  file = makeTable(place);
});

afterEach(async () => {
  closeSync(file);
  await folder.remove();
});

function makeTable(path: string): number {
  const made = openSync(path, 'w');
  ftruncateSync(made, DICT_TABLE.headerBytes + DICT_TABLE.buckets * DICT_TABLE.bucketBytes);
  writeSync(made, tableHeader(machineTimeMs() + 60_000), 0, 8, 0);
  return made;
}

function write(key: string, readUntilS = inAnHourS()): void {
  const bucket = withEntry(new Uint8Array(DICT_TABLE.bucketBytes), { key, value, readUntilS });
  writeSync(file, bucket, 0, bucket.length, bucketPosition(key));
}

function of(operation: CollectionOperation): Extract<ClientMessage, { type: 'collection' }> {
  return { type: 'collection', requestId: ++requests, operation };
}

const get = (key: string, id = 'di-1') => of({ do: 'dict.get', id, key });

/** Of a container that has read its dict often enough. */
async function openTables(): Promise<DictTables> {
  const tables = new DictTables((dictId) => {
    asked.push(dictId);
    return Promise.resolve(place);
  });
  for (let read = 0; read < 3; read++) expect(tables.answer(get('none'))).toBeUndefined();
  await vi.waitFor(() => expect(asked).toEqual(['di-1']));
  await new Promise((resolve) => setImmediate(resolve));
  return tables;
}

describe('tables of dicts', () => {
  it('are asked for from the third read on, and answer what is in them', async () => {
    write('k');
    const tables = await openTables();
    expect(tables.answer(get('k'))).toEqual({ value });
    expect(tables.answer(of({ do: 'dict.has', id: 'di-1', key: 'k' }))).toBe(true);
    expect(tables.answer(get('other'))).toBeUndefined();
    expect(tables.answer(of({ do: 'dict.has', id: 'di-1', key: 'other' }))).toBeUndefined();
    expect(tables.answer(of({ do: 'dict.len', id: 'di-1' }))).toBeUndefined();
    expect(tables.answer(get('k', 'di-2'))).toBeUndefined();
    expect(asked).toEqual(['di-1']);
  });

  it('answer nothing once their time is over, and again when they are renewed', async () => {
    write('k');
    const tables = await openTables();
    writeSync(file, tableHeader(machineTimeMs() - 1), 0, 8, 0);
    expect(tables.answer(get('k'))).toBeUndefined();
    writeSync(file, tableHeader(machineTimeMs() + 60_000), 0, 8, 0);
    expect(tables.answer(get('k'))).toEqual({ value });
  });

  it('answer nothing of an entry whose reading has to be written down', async () => {
    write('k', Date.now() / 1_000 - 1);
    const tables = await openTables();
    expect(tables.answer(get('k'))).toBeUndefined();
  });

  it('answer nothing while a change of this container is not answered', async () => {
    write('k');
    const tables = await openTables();
    const changes: CollectionOperation[] = [
      { do: 'dict.put', id: 'di-1', key: { id: 'k', bytes: value }, value, skipIfExists: false },
      { do: 'dict.update', id: 'di-1', entries: [] },
      { do: 'dict.remove', id: 'di-1', key: 'k' },
      { do: 'dict.clear', id: 'di-1' },
    ];
    for (const operation of changes) {
      const change = of(operation);
      tables.sent(change);
      expect(tables.answer(get('k'))).toBeUndefined();
      tables.answered(change.requestId + 1_000);
      expect(tables.answer(get('k'))).toBeUndefined();
      tables.answered(change.requestId);
      expect(tables.answer(get('k'))).toEqual({ value });
    }
  });

  it('that were closed are let go, and others asked for', async () => {
    write('k');
    const tables = await openTables();
    ftruncateSync(file, 0);
    expect(tables.answer(get('k'))).toBeUndefined();
    closeSync(file);
    place = join(folder.path, 'next');
    file = makeTable(place);
    write('k');
    expect(tables.answer(get('k'))).toBeUndefined();
    await vi.waitFor(() => expect(tables.answer(get('k'))).toEqual({ value }));
    expect(asked).toEqual(['di-1', 'di-1']);
  });

  it('that are not to be had are not asked for with each read', async () => {
    place = undefined;
    const tables = await openTables();
    for (let read = 0; read < 100; read++) {
      expect(tables.answer(get('k'))).toBeUndefined();
      await Promise.resolve();
    }
    expect(asked).toEqual(['di-1']);
  });

  it('are those of the 64 dicts that were met last', async () => {
    write('k');
    const tables = await openTables();
    for (let number = 0; number < 63; number++) tables.answer(get('k', `di-other-${number}`));
    expect(tables.answer(get('k'))).toEqual({ value });
    tables.answer(get('k', 'di-one-more'));
    expect(tables.answer(get('k'))).toBeUndefined();
  });
});
