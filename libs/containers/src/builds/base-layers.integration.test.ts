import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BaseLayers, machineCacheFolder } from './base-layers.ts';

const DAY_MS = 86_400_000;

describe('layers that images begin with, on a machine', () => {
  let work: TemporaryDirectory;
  let folder: string;
  let bases: BaseLayers;

  beforeEach(async () => {
    work = await temporaryDirectory();
    folder = join(work.path, 'bases');
    bases = new BaseLayers(folder);
  });
  afterEach(() => work.remove());

  const made = (content: string) => {
    const path = join(work.path, content);
    writeFileSync(path, content);
    return { layer: { digest: `sha256-${content}`, sizeBytes: content.length, diffId: 'sha256-d' }, path };
  };

  it('are found by what they are made of, also by other platforms', async () => {
    await bases.keep('debian', made('one'));
    const found = await new BaseLayers(folder).find('debian');
    expect(found).toEqual({ ...made('one'), path: join(folder, 'sha256-one.tar.gz') });
    expect(await bases.find('another debian')).toBeUndefined();
  });

  it('are replaced by newer ones', async () => {
    await bases.keep('debian', made('one'));
    await bases.keep('debian', made('two'));
    expect((await bases.find('debian'))?.layer.digest).toBe('sha256-two');
  });

  it('are forgotten after a week, and removed when another one comes', async () => {
    await bases.keep('debian', made('one'));
    const later = new BaseLayers(folder, () => Date.now() + 8 * DAY_MS);
    expect(await later.find('debian')).toBeUndefined();
    const old = new Date(Date.now() - 8 * DAY_MS);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), old, old);
    await bases.keep('node', made('node'));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tar.gz'))).toEqual(['sha256-node.tar.gz']);
  });

  it('are not taken where they were cut off', async () => {
    await bases.keep('debian', made('one'));
    writeFileSync(join(folder, 'sha256-one.tar.gz'), 'on');
    expect(await bases.find('debian')).toBeUndefined();
  });

  it('are for nobody else to read or write', async () => {
    await bases.keep('debian', made('one'));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('do without a place that cannot be written', async () => {
    const nowhere = new BaseLayers(join(made('file').path, 'bases'));
    await nowhere.keep('debian', made('one'));
    expect(await nowhere.find('debian')).toBeUndefined();
  });

  it('lie where the environment says, else where caches of the user are', () => {
    expect(machineCacheFolder({ GANTRY_CACHE_DIR: '/fast' })).toBe('/fast');
    expect(machineCacheFolder({ XDG_CACHE_HOME: '/home/ann/.caches' })).toBe(
      process.getuid?.() === 0 ? '/var/cache/gantry' : '/home/ann/.caches/gantry',
    );
  });
});
