import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it } from 'vitest';

import { OwnedRecords } from './owned-records.ts';

it('what another process is about to record stays, and what one that was killed never recorded goes', async () => {
  await using folder = await temporaryDirectory();
  const records = new OwnedRecords<{ place: string }>(folder.path);
  records.add('own', { place: 'here' });
  for (const name of ['just-begun.new', 'left.new', 'half-written'])
    writeFileSync(join(folder.path, name), '');
  const longAgo = Date.now() / 1000 - 120;
  utimesSync(join(folder.path, 'left.new'), longAgo, longAgo);

  expect(await records.reconcile(() => Promise.resolve(true))).toBe(0);

  expect(readdirSync(folder.path).toSorted()).toEqual(['just-begun.new', 'own']);
});
