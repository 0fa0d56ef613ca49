import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { canMountOverlays, mountOverlay, mountPointsBelow } from './overlay-mounts.ts';
import { SharedMounts } from './shared-mounts.ts';

const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** Shows a volume to a container, says where, and waits to be killed. */
const WORKER = (place: string): string => `
import { mkdirSync } from 'node:fs';
import { mountOverlay } from ${module('./overlay-mounts.ts')};
import { SharedMounts } from ${module('./shared-mounts.ts')};
const { folder } = await SharedMounts.open();
mkdirSync(folder + '/0');
await mountOverlay({ at: folder + '/0', place: ${JSON.stringify(place)} });
console.log(folder);
setInterval(() => undefined, 1000);
`;

async function show(at: string, place: string): Promise<void> {
  mkdirSync(at);
  await mountOverlay({ at, place });
}

const work = await temporaryDirectory();
const isPossible = await canMountOverlays(join(work.path, 'trial'));
await work.remove();

test.skipIf(!isPossible)(
  'what a killed worker showed its containers is taken away, though its data is gone, and nothing of others',
  async () => {
    await using data = await temporaryDirectory();
    const place = (name: string): string => {
      for (const part of ['lower', 'upper', 'work'])
        mkdirSync(join(data.path, name, part), { recursive: true });
      return join(data.path, name);
    };
    const own = await SharedMounts.open();
    const worker = spawn(process.execPath, ['--input-type=module', '-e', WORKER(place('theirs'))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await show(join(own.folder, '0'), place('ours'));
      const [said] = (await once(worker.stdout, 'data')) as [Buffer];
      const folder = String(said).trim();
      await (await SharedMounts.open()).close();
      expect(mountPointsBelow(folder)).toHaveLength(1);

      worker.kill('SIGKILL');
      await once(worker, 'exit');
      await rm(join(data.path, 'theirs'), { recursive: true });
      await (await SharedMounts.open()).close();
      // Another worker of this machine may be faster, and not quite done.
      await expect.poll(() => existsSync(folder), { timeout: 30_000 }).toBe(false);
      expect(mountPointsBelow(folder)).toEqual([]);
      expect(mountPointsBelow(own.folder)).toHaveLength(1);
    } finally {
      worker.kill('SIGKILL');
      await own.close();
    }
    expect(existsSync(own.folder)).toBe(false);
  },
);
