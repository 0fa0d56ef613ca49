import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BuildStorage } from './build-storage.ts';

describe('the storage of builds', () => {
  let work: string;
  let emptied: number;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'gantry-storage-'));
    emptied = 0;
    mkdirSync(join(work, 'storage'));
    mkdirSync(join(work, 'steps', '999999999-killed'), { recursive: true });
  });
  afterEach(() => rm(work, { recursive: true, force: true }));

  const open = (limitBytes: number) =>
    new BuildStorage({
      folder: join(work, 'storage'),
      stepsFolder: join(work, 'steps'),
      limitBytes,
      empty: async () => {
        emptied += 1;
      },
    });
  const write = async () => writeFileSync(join(work, 'storage', 'layer'), Buffer.alloc(300_000, 1));

  it('is emptied between builds when it is above its limit, never during one', async () => {
    const storage = open(200_000);
    let end = (): void => undefined;
    const long = storage.use(() => new Promise<void>((resolve) => (end = resolve)));
    await storage.use(write);
    expect(emptied).toBe(0);
    end();
    await long;
    await storage.use(async () => expect(emptied).toBe(1));
  });

  it('stays as it is below its limit', async () => {
    const storage = open(10_000_000);
    await storage.use(write);
    await storage.use(async () => expect(emptied).toBe(0));
  });

  it('begins without the folders of builds that were killed', async () => {
    mkdirSync(join(work, 'steps', `${process.pid}-running`));
    await open(1).use(async () => expect(existsSync(join(work, 'steps', '999999999-killed'))).toBe(false));
    expect(existsSync(join(work, 'steps', `${process.pid}-running`))).toBe(true);
  });
});
