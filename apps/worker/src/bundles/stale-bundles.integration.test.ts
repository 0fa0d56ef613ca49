import { readdirSync } from 'node:fs';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { removeStaleBundles } from './stale-bundles.ts';

const DAY_MS = 24 * 3_600_000;
const NOW_MS = Date.UTC(2030, 0, 31);

let folder: TemporaryDirectory;

beforeEach(async () => {
  folder = await temporaryDirectory();
});
afterEach(() => folder.remove());

/** A folder that was opened so many days ago, and the packages it links to. */
async function lay(name: string, daysAgo: number, packages?: string): Promise<void> {
  const path = join(folder.path, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'file'), 'content');
  if (packages !== undefined) {
    await symlink(join(folder.path, 'packages', packages, 'node_modules'), join(path, 'node_modules'), 'dir');
  }
  const opened = new Date(NOW_MS - daysAgo * DAY_MS);
  await utimes(path, opened, opened);
}

test('what nobody opened for a week goes, and what was opened since stays', async () => {
  await lay('bundles/old', 8);
  await lay('bundles/recent', 6);
  await lay('packages/old', 8);
  await lay('packages/recent', 6);

  expect(await removeStaleBundles(folder.path, NOW_MS)).toBe(2);

  expect(readdirSync(join(folder.path, 'bundles'))).toEqual(['recent']);
  expect(readdirSync(join(folder.path, 'packages'))).toEqual(['recent']);
});

test('packages stay while a bundle links to them, however old they are', async () => {
  await lay('packages/linked', 30);
  await lay('packages/of-an-old-bundle', 30);
  await lay('bundles/recent', 1, 'linked');
  await lay('bundles/old', 9, 'of-an-old-bundle');

  await removeStaleBundles(folder.path, NOW_MS);

  expect(readdirSync(join(folder.path, 'bundles'))).toEqual(['recent']);
  expect(readdirSync(join(folder.path, 'packages'))).toEqual(['linked']);
});

test('old drafts go, and a worker without bundles has nothing to remove', async () => {
  expect(await removeStaleBundles(folder.path, NOW_MS)).toBe(0);
  await lay('bundles/one.0a1b2c.draft', 9);
  await lay('bundles/two.0a1b2c.draft', 1);

  expect(await removeStaleBundles(folder.path, NOW_MS)).toBe(1);

  expect(readdirSync(join(folder.path, 'bundles'))).toEqual(['two.0a1b2c.draft']);
});
