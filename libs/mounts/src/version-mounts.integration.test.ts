import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findMountProblem } from './fuse-mount.ts';
import { TestVolume } from './test-volume.fixture.ts';

const OWNER = 1_900_000_000;
const problem = findMountProblem();
if (problem) console.warn(`SKIPPED: no mounts of versions, ${problem.message}. ${problem.hint}`);

describe.skipIf(problem)('a mounted version of a volume', { timeout: 180_000 }, () => {
  it('has programs read it by pieces that they need no fresh memory for', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: OWNER });
        expect(await stat(join(path, 'a'))).toMatchObject({ blksize: 64 * 1024 });
      } finally {
        await mounts.close();
      }
    });
  });

  it('has the files, modes, times and links of that version, of the owner that was asked for', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version(
        { path: 'a/run.sh', entry: await volume.file('echo 1', { mode: 0o755, mtimeMs: 1_700_000_000_123 }) },
        { path: 'a/link', entry: { type: 'link', mtimeMs: 5_000, target: '../b' } },
        { path: 'b', entry: await volume.file('') },
        { path: 'closed', entry: { type: 'directory', mode: 0o700, mtimeMs: 2_000 } },
      );
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: OWNER });
        expect((await readdir(path)).sort()).toEqual(['a', 'b', 'closed']);
        expect((await readdir(join(path, 'a'))).sort()).toEqual(['link', 'run.sh']);
        expect(await readFile(join(path, 'a/run.sh'), 'utf8')).toBe('echo 1');
        expect(await readFile(join(path, 'a/link'), 'utf8')).toBe('');
        expect(await readlink(join(path, 'a/link'))).toBe('../b');
        const file = await stat(join(path, 'a/run.sh'));
        expect(file).toMatchObject({ mode: 0o100755, size: 6, uid: OWNER, gid: OWNER });
        expect(file.mtimeMs).toBe(1_700_000_000_123);
        expect(await lstat(join(path, 'closed'))).toMatchObject({ mode: 0o040700, mtimeMs: 2_000 });
        await expect(stat(join(path, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
      } finally {
        await mounts.close();
      }
    });
  });
});
