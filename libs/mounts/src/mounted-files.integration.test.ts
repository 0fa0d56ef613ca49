import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { BLOCK_BYTES } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { findMountProblem } from './fuse-mount.ts';
import { TestVolume } from './test-volume.fixture.ts';

const run = promisify(execFile);
const OWNER = 1_900_000_000;
const MIB = 1024 * 1024;
const problem = findMountProblem();
if (problem) console.warn(`SKIPPED: no files of mounts, ${problem.message}. ${problem.hint}`);

describe.skipIf(problem)('files of a mounted version', { timeout: 180_000 }, () => {
  it('are all found by a walk through 100,000 of them', async () => {
    await TestVolume.use(async (volume) => {
      const entry = await volume.file('x');
      const changes = Array.from({ length: 100_000 }, (_, index) => ({
        path: `d${index % 100}/e${Math.floor(index / 100) % 10}/file-${index}`,
        entry,
      }));
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root: await volume.version(...changes), ownerId: 0 });
        const { stdout } = await run('find', [path, '-type', 'f', '-size', '1c', '-printf', '%P\\n'], {
          maxBuffer: 16 * MIB,
        });
        expect(stdout.trim().split('\n').sort()).toEqual(changes.map((change) => change.path).sort());
        // Again, with what the kernel knows by now, and one directory that has more than a listing takes at once.
        expect(await readdir(join(path, 'd7/e3'))).toHaveLength(100);
        expect(await readdir(path)).toHaveLength(100);
      } finally {
        await mounts.close();
      }
    });
  });

  it('are listed whole where one directory has thousands, and none twice', async () => {
    await TestVolume.use(async (volume) => {
      const entry = await volume.file('x');
      const names = Array.from(
        { length: 5_000 },
        (_, index) => `a rather long name of a file, number ${index}`,
      );
      const root = await volume.version(...names.map((name) => ({ path: `all/${name}`, entry })));
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: 0 });
        expect((await readdir(join(path, 'all'))).sort()).toEqual(names.sort());
      } finally {
        await mounts.close();
      }
    });
  });

  it('may have any name that a volume takes', async () => {
    await TestVolume.use(async (volume) => {
      const names = [
        'a'.repeat(255),
        'ü'.repeat(127),
        '😀'.repeat(63),
        '-rf',
        ' ',
        'a b\\c',
        '"\'$(x)',
        '...',
        '\u00e9',
        'e\u0301',
      ];
      const changes = await Promise.all(
        names.map(async (name) => ({ path: `odd/${name}`, entry: await volume.file(name) })),
      );
      const deep = Array.from({ length: 100 }, () => 'deep').join('/');
      const root = await volume.version(...changes, { path: `${deep}/end`, entry: await volume.file('end') });
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: 0 });
        expect((await readdir(join(path, 'odd'))).sort()).toEqual([...names].sort());
        for (const name of names) expect(await readFile(`${path}/odd/${name}`, 'utf8')).toBe(name);
        expect(await readFile(join(path, deep, 'end'), 'utf8')).toBe('end');
        await expect(stat(Buffer.concat([Buffer.from(`${path}/`), Buffer.of(0xff)]))).rejects.toMatchObject({
          code: 'ENOENT',
        });
        await expect(stat(join(path, 'b'.repeat(256)))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
      } finally {
        await mounts.close();
      }
    });
  });

  it('have the same bytes in any part, read in order, at random, by many at once', async () => {
    await TestVolume.use(async (volume) => {
      const content = randomBytes(3 * BLOCK_BYTES + 12_345);
      const root = await volume.version(
        { path: 'big', entry: await volume.file(content) },
        { path: 'exact', entry: await volume.file(content.subarray(0, BLOCK_BYTES)) },
      );
      const mounts = volume.mounts({ cache: join(volume.folder, 'cache') });
      try {
        const { path } = await mounts.mount({ root, ownerId: 0 });
        const readers = Array.from({ length: 8 }, () => readFile(join(path, 'big')));
        for (const bytes of await Promise.all(readers)) expect(bytes.equals(content)).toBe(true);
        expect((await readFile(join(path, 'exact'))).equals(content.subarray(0, BLOCK_BYTES))).toBe(true);
        const file = await open(join(path, 'big'));
        try {
          for (const at of [
            0,
            1,
            4095,
            BLOCK_BYTES - 3,
            BLOCK_BYTES,
            2 * BLOCK_BYTES - 1,
            content.length - 5,
          ]) {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(10), 0, 10, at);
            expect(buffer.subarray(0, bytesRead)).toEqual(content.subarray(at, at + 10));
          }
          expect((await file.read(Buffer.alloc(10), 0, 10, content.length + 5)).bytesRead).toBe(0);
        } finally {
          await file.close();
        }
      } finally {
        await mounts.close();
      }
    });
  });

  it('cannot be changed', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: 0 });
        await expect(writeFile(join(path, 'a'), 'b')).rejects.toMatchObject({ code: 'EROFS' });
        await expect(writeFile(join(path, 'new'), 'b')).rejects.toMatchObject({ code: 'EROFS' });
      } finally {
        await mounts.close();
      }
    });
  });

  it('can be the lower layer of an overlay, whose users write beside them', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version(
        { path: 'a/old', entry: await volume.file('old', { mode: 0o600 }) },
        { path: 'a/gone', entry: await volume.file('gone') },
        { path: 'link', entry: { type: 'link', mtimeMs: 0, target: 'a/old' } },
      );
      const mounts = volume.mounts();
      try {
        const { path } = await mounts.mount({ root, ownerId: OWNER });
        const { stdout } = await run('unshare', [
          '--mount',
          'sh',
          '-ec',
          OVERLAY_SCRIPT,
          'sh',
          path,
          volume.folder,
        ]);
        expect(stdout.trim().split('\n')).toEqual([
          ...['old', 'old', 'new', 'old more', 'link new old', `${OWNER}:600`, 'old'],
        ]);
        await expect(readlink(join(path, 'link'))).resolves.toBe('a/old');
      } finally {
        await mounts.close();
      }
    });
  });

  it('are readable for the container user whose they are, and in its user namespace', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version(
        { path: 'own', entry: await volume.file('own', { mode: 0o600 }) },
        { path: 'all', entry: await volume.file('all', { mode: 0o644 }) },
      );
      const mounts = volume.mounts();
      try {
        const mine = await mounts.mount({ root, ownerId: OWNER });
        const other = await mounts.mount({ root, ownerId: OWNER + 1 });
        expect(other.path).not.toBe(mine.path);
        await run('chmod', ['755', volume.folder]);
        const as = (path: string) =>
          run('setpriv', [`--reuid=${OWNER}`, `--regid=${OWNER}`, '--clear-groups', 'cat', path]);
        expect((await as(join(mine.path, 'own'))).stdout).toBe('own');
        expect((await as(join(other.path, 'all'))).stdout).toBe('all');
        await expect(as(join(other.path, 'own'))).rejects.toThrow('Permission denied');
        expect(await ownerSeenByContainer(join(mine.path, 'own'))).toBe('0:0');
      } finally {
        await mounts.close();
      }
    });
  });
});

/** In a user namespace whose user 0 is the owner. */
async function ownerSeenByContainer(path: string): Promise<string> {
  const script = 'echo ready; read -r go; stat -c %u:%g "$1"';
  const child = spawn('unshare', ['--user', 'sh', '-c', script, 'sh', path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  await once(child.stdout, 'readable');
  for (const map of ['uid_map', 'gid_map']) await writeFile(`/proc/${child.pid}/${map}`, `0 ${OWNER} 1`);
  child.stdin.end('go\n');
  return (await said).trim().split('\n').at(-1) ?? '';
}

const OVERLAY_SCRIPT = `
lower=$1 place=$2/overlay
mkdir -p "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work" "$place/root"
cd "$place/root"
cat a/old; echo
cat link; echo
echo new > a/new; cat a/new
printf ' more' >> a/old; cat a/old; echo
rm a/gone
echo $(ls) $(ls a)| sed 's/^a //'
stat -c %u:%a a/old
cat "$lower/a/old"; echo
`;
