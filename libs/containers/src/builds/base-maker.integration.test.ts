import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BaseLayers } from './base-layers.ts';
import { type Base, BaseMaker } from './base-maker.ts';
import { FolderStore } from './image-builder.fixture.ts';

describe('a base of images', () => {
  let work: TemporaryDirectory;
  let maker: BaseMaker;
  let made: number;
  let gate: Promise<void>;

  const base: Base = {
    definition: 'a Debian',
    make: async (use) => {
      made++;
      await gate;
      await use(
        (async function* () {
          yield Buffer.from('files');
        })(),
      );
    },
  };
  const folder = () => mkdtemp(join(work.path, 'step-'));
  const stored = () => readdirSync(join(work.path, 'store'));

  beforeEach(async () => {
    work = await temporaryDirectory();
    await mkdir(join(work.path, 'store'));
    maker = new BaseMaker(
      new FolderStore(join(work.path, 'store')),
      new BaseLayers(join(work.path, 'bases')),
    );
    made = 0;
    gate = Promise.resolve();
  });
  afterEach(() => work.remove());

  it('that was made ahead is taken by builds, and was in no store before', async () => {
    expect(await maker.makeAhead(base, await folder())).toBe(true);
    expect(stored()).toEqual([]);
    const layer = await maker.layer(base, { use: 'take', folder: await folder() });
    expect(stored()).toEqual([layer.digest]);
    expect(made).toBe(1);
    expect(await maker.makeAhead(base, await folder())).toBe(false);
  });

  it('that is being made ahead is waited for, not made twice', async () => {
    let resolve = (): void => undefined;
    gate = new Promise((done) => (resolve = done));
    const ahead = maker.makeAhead(base, await folder());
    await expect.poll(() => made).toBe(1);
    const layer = maker.layer(base, { use: 'take', folder: await folder() });
    resolve();
    expect([await ahead, (await layer).sizeBytes > 0, made]).toEqual([true, true, 1]);
  });

  it('that could not be made ahead is made by the build that waited for it', async () => {
    let reject = (_error: Error): void => undefined;
    gate = new Promise((_done, failed) => (reject = failed));
    const ahead = maker.makeAhead(base, await folder());
    const failed = expect(ahead).rejects.toThrow('no network');
    await expect.poll(() => made).toBe(1);
    const layer = maker.layer(base, { use: 'take', folder: await folder() });
    gate = Promise.resolve();
    reject(new Error('no network'));
    await failed;
    expect((await layer).sizeBytes).toBeGreaterThan(0);
  });
});
