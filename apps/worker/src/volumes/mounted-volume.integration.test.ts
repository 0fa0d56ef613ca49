import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { canMountOverlays } from '@gantry/containers';
import { findMountProblem } from '@gantry/mounts';
import { temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { VolumesUnderTest } from './mounted-volumes.fixture.ts';

const trial = await temporaryDirectory('gantry-overlay-trial-');
const canOverlay = await canMountOverlays(trial.path);
await trial.remove();
if (!canOverlay) console.warn('SKIPPED: volumes as overlays, which need root on Linux');

const mountProblem = findMountProblem();
if (mountProblem) console.warn(`SKIPPED: volumes over mounted versions, ${mountProblem.message}`);

const kinds = [
  { kind: 'copied', copies: true, isMounted: false },
  ...(canOverlay ? [{ kind: 'overlaid', copies: false, isMounted: false }] : []),
  ...(canOverlay && !mountProblem ? [{ kind: 'mounted', copies: false, isMounted: true }] : []),
];

describe.each(kinds)('the $kind volume of a container', (kind) => {
  let subject: VolumesUnderTest;
  beforeAll(async () => {
    subject = await VolumesUnderTest.start(kind);
  });
  afterAll(() => subject[Symbol.asyncDispose]());

  /** A volume with these files, each with its path for content. */
  async function volumeWith(...paths: string[]): Promise<string> {
    const volumeId = subject.newVolume();
    const { volume, folder } = await subject.mount(volumeId);
    for (const path of paths) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), path);
    }
    await volume.commit();
    await volume.close();
    return volumeId;
  }

  it('shows others after a commit and a reload what was written, and nothing before', async () => {
    const id = subject.newVolume();
    const [writer, reader] = [await subject.mount(id), await subject.mount(id)];
    await writeFile(join(writer.folder, 'bar.txt'), 'hello');
    await reader.volume.reload();
    expect(await readdir(reader.folder)).toEqual([]);
    await writer.volume.commit();
    expect(await readdir(reader.folder)).toEqual([]);
    await reader.volume.reload();
    expect(await readFile(join(reader.folder, 'bar.txt'), 'utf8')).toBe('hello');
    expect(await readFile(join((await subject.mount(id)).folder, 'bar.txt'), 'utf8')).toBe('hello');
  });

  it('keeps contents, modes, times and links through a commit and a mount', async () => {
    const id = subject.newVolume();
    const { volume, folder } = await subject.mount(id);
    await mkdir(join(folder, 'deep/er'), { recursive: true });
    await writeFile(join(folder, 'deep/er/run.sh'), Buffer.alloc(9 * 1024 ** 2 + 5, 7));
    await chmod(join(folder, 'deep/er/run.sh'), 0o750);
    await utimes(join(folder, 'deep/er/run.sh'), 1_600_000_000, 1_600_000_000);
    await chmod(join(folder, 'deep'), 0o711);
    await writeFile(join(folder, 'empty'), '');
    await symlink('deep/er', join(folder, 'latest'));
    await volume.commit();
    const other = await subject.mount(id);
    expect(
      (await readFile(join(other.folder, 'latest/run.sh'))).equals(Buffer.alloc(9 * 1024 ** 2 + 5, 7)),
    ).toBe(true);
    const info = await stat(join(other.folder, 'deep/er/run.sh'));
    expect([info.mode & 0o7777, info.mtimeMs]).toEqual([0o750, 1_600_000_000_000]);
    expect((await stat(join(other.folder, 'deep'))).mode & 0o7777).toBe(0o711);
    expect(await readlink(join(other.folder, 'latest'))).toBe('deep/er');
    expect((await stat(join(other.folder, 'empty'))).size).toBe(0);
  });

  it('says which version it shows, so that its blocks stay', async () => {
    const id = await volumeWith('a');
    const before = subject.used.length;
    const { volume, folder } = await subject.mount(id);
    const rootOf = async () => (await subject.store.open(id)).head.root;
    expect(subject.used.slice(before)).toEqual([await rootOf()]);
    await writeFile(join(folder, 'b'), 'b');
    await volume.reload();
    expect(subject.used.slice(before)).toEqual([await rootOf()]);
    await volume.close();
    expect(subject.used).toHaveLength(before);
  });

  it('stores what changed since the last commit, and nothing again', async () => {
    const id = await volumeWith('a', 'b', 'c/d');
    const { volume, folder } = await subject.mount(id);
    subject.stored.length = 0;
    expect(await volume.commit()).toBe(false);
    await appendFile(join(folder, 'b'), ' more');
    expect(await volume.commit()).toBe(true);
    expect(subject.stored).toHaveLength(1);
    expect(await volume.commit()).toBe(false);
    expect(subject.stored).toHaveLength(1);
    expect(await subject.text(id, 'b')).toBe('b more');
  });

  it('removes what was removed, replaced and renamed, in directories that were there and in new ones', async () => {
    const id = await volumeWith(
      'keep/x',
      'gone/x',
      'gone/y/z',
      'again/old',
      'moved/x',
      'moved/y/z',
      'file',
      'dir/x',
    );
    const { volume, folder } = await subject.mount(id);
    await rm(join(folder, 'gone'), { recursive: true });
    await rm(join(folder, 'again'), { recursive: true });
    await mkdir(join(folder, 'again'));
    await writeFile(join(folder, 'again/new'), 'new');
    await rename(join(folder, 'moved'), join(folder, 'there'));
    await writeFile(join(folder, 'there/more'), 'more');
    await rm(join(folder, 'file'));
    await mkdir(join(folder, 'file'));
    await writeFile(join(folder, 'file/inner'), 'inner');
    await rm(join(folder, 'dir'), { recursive: true });
    await writeFile(join(folder, 'dir'), 'now a file');
    await volume.commit();
    const expected = [
      ...['again', 'again/new', 'dir', 'file', 'file/inner', 'keep', 'keep/x'],
      ...['there', 'there/more', 'there/x', 'there/y', 'there/y/z'],
    ];
    expect(await subject.paths(id)).toEqual(expected);
    expect(await subject.text(id, 'there/y/z')).toBe('moved/y/z');
    // What was committed once is removed later.
    await rm(join(folder, 'there'), { recursive: true });
    await rename(join(folder, 'keep'), join(folder, 'again/kept'));
    await volume.commit();
    expect(await subject.paths(id)).toEqual([
      ...['again', 'again/kept', 'again/kept/x', 'again/new', 'dir', 'file', 'file/inner'],
    ]);
  });

  it('takes a directory anew that was put in the place of one that others know', async () => {
    const id = await volumeWith('a/1', 'a/2', 'b/3');
    const { volume, folder } = await subject.mount(id);
    await rm(join(folder, 'a'), { recursive: true });
    await rename(join(folder, 'b'), join(folder, 'a'));
    await volume.commit();
    expect(await subject.paths(id)).toEqual(['a', 'a/3']);
  });

  it('commits of 32 writers to files of their own all hold', async () => {
    const id = await volumeWith('shared/base');
    const writers = await Promise.all(Array.from({ length: 32 }, () => subject.mount(id)));
    await Promise.all(
      writers.map(async ({ volume, folder }, index) => {
        await writeFile(join(folder, `shared/${index}`), `from ${index}`);
        await volume.commit();
      }),
    );
    expect((await subject.paths(id)).length).toBe(34);
    for (const [index] of writers.entries()) {
      expect(await subject.text(id, `shared/${index}`)).toBe(`from ${index}`);
    }
  });

  it('of one file the last commit counts, and a removed directory keeps what others put there', async () => {
    const id = await volumeWith('file', 'out/mine');
    const [first, second] = [await subject.mount(id), await subject.mount(id)];
    await writeFile(join(first.folder, 'file'), 'first');
    await writeFile(join(second.folder, 'file'), 'second');
    await writeFile(join(second.folder, 'out/theirs'), 'theirs');
    await rm(join(first.folder, 'out'), { recursive: true });
    await second.volume.commit();
    await first.volume.commit();
    expect(await subject.text(id, 'file')).toBe('first');
    expect(await subject.paths(id)).toEqual(['file', 'out', 'out/theirs']);
  });

  it('commits at a reload what was not committed, and is busy while a file is open', async () => {
    const id = await volumeWith('open');
    const { volume, folder } = await subject.mount(id);
    await writeFile(join(folder, 'mine'), 'mine');
    await volume.reload();
    expect(await subject.text(id, 'mine')).toBe('mine');
    // A process of its own: this one is the worker, whose open files count for overlays alone.
    const child = spawn('sh', ['-c', 'exec 5<open; echo ready; read x'], { cwd: folder, stdio: 'pipe' });
    try {
      await once(child.stdout, 'data');
      await expect(volume.reload()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(/^volume busy: (the folder itself|"open") is in use/) as string,
      });
      expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    await volume.reload();
  });

  it('leaves out what no volume takes, says which, and commits the rest', async () => {
    const id = await volumeWith('file');
    const { volume, folder } = await subject.mount(id);
    await writeFile(join(folder, 'new\nline'), 'x');
    await writeFile(join(folder, 'fine'), 'fine');
    await expect(volume.commit()).rejects.toMatchObject({
      message: expect.stringContaining('new\\nline') as string,
    });
    await rm(join(folder, 'new\nline'));
    await symlink('/etc/passwd', join(folder, 'out'));
    await symlink('../../x', join(folder, 'up'));
    const refused = [expect.stringContaining('/etc/passwd'), expect.stringContaining('../../x')] as unknown[];
    await expect(volume.commit()).rejects.toMatchObject({
      ...{ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/, and 1 more$/) as string },
      details: { refused: expect.arrayContaining(refused) as unknown },
    });
    expect(await subject.paths(id)).toEqual(['file', 'fine']);
  });

  it('says by its name that it was deleted', async () => {
    const id = subject.newVolume();
    const { volume, folder } = await subject.mount(id, { name: 'models' });
    await writeFile(join(folder, 'late'), 'x');
    subject.deleteVolume(id);
    for (const act of [() => volume.commit(), () => volume.reload()])
      await expect(act()).rejects.toMatchObject({ message: 'volume "models" was deleted', hint: /Deploy/ });
  });

  it('turns links to its own path into relative ones', async () => {
    const id = await volumeWith('v/2/weights');
    const { volume, folder } = await subject.mount(id, { path: '/models' });
    await symlink('/models/v/2', join(folder, 'v/latest'));
    await volume.commit();
    const other = await subject.mount(id);
    expect(await readlink(join(other.folder, 'v/latest'))).toBe('../v/2');
    expect(await readFile(join(other.folder, 'v/latest/weights'), 'utf8')).toBe('v/2/weights');
  });

  it('shows a directory of a volume where that is asked for, and commits to there', async () => {
    const id = await volumeWith('a/b/inner', 'outer');
    const { volume, folder } = await subject.mount(id, { subPath: 'a/b' });
    expect(await readdir(folder)).toEqual(['inner']);
    await writeFile(join(folder, 'new'), 'new');
    await rm(join(folder, 'inner'));
    await volume.commit();
    expect(await subject.paths(id)).toEqual(['a', 'a/b', 'a/b/new', 'outer']);
    const later = await subject.mount(id, { subPath: 'not/there' });
    await writeFile(join(later.folder, 'x'), 'x');
    await later.volume.commit();
    expect(await subject.paths(id)).toContain('not/there/x');
    await expect(subject.mount(id, { subPath: 'outer' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('cannot be written where it is read-only', async () => {
    const id = await volumeWith('file');
    const { volume, folder } = await subject.mount(id, { readOnly: true });
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('file');
    // Root may write whatever the rights of a copy say; then it counts for nothing.
    await writeFile(join(folder, 'file'), 'other').catch((error: unknown) => {
      expect(error).toMatchObject({ code: expect.stringMatching(/EROFS|EACCES/) as string });
    });
    expect(await volume.commit()).toBe(false);
    expect(await subject.text(id, 'file')).toBe('file');
  });

  it('commits nothing of it when the store is full in the middle, says so, and all of it when there is room', async () => {
    const id = subject.newVolume();
    const { volume, folder } = await subject.mount(id);
    await writeFile(join(folder, 'before'), 'before');
    await volume.commit();
    await writeFile(join(folder, 'before'), 'after');
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), `${id} ${name}`);
    subject.roomFor = 2;
    try {
      await expect(volume.commit()).rejects.toThrow('the blob store is full');
      expect(await subject.paths(id)).toEqual(['before']);
      expect(await subject.text(id, 'before')).toBe('before');
    } finally {
      subject.roomFor = Infinity;
    }
    await volume.commit();
    expect(await subject.paths(id)).toEqual(['a', 'b', 'before', 'c']);
    expect(await subject.text(id, 'before')).toBe('after');
  });

  it('commits nothing once it is cut off', async () => {
    const id = await volumeWith('file');
    const { volume, folder } = await subject.mount(id);
    await writeFile(join(folder, 'file'), 'late');
    subject.mayCommit = false;
    try {
      await expect(volume.commit()).rejects.toThrow('cut off');
    } finally {
      subject.mayCommit = true;
    }
    expect(await subject.text(id, 'file')).toBe('file');
  });

  it('never has a mixture of a file that is overwritten all the time', async () => {
    const id = subject.newVolume();
    const { volume, folder } = await subject.mount(id);
    const size = 5 * 1024 ** 2;
    const file = await open(join(folder, 'busy'), 'w+');
    let isDone = false;
    const writing = (async () => {
      for (let round = 0; !isDone; round++) await file.write(Buffer.alloc(size, round % 250), 0, size, 0);
    })();
    try {
      for (let round = 0; round < 2; round++) {
        const result = await volume.commit().catch((error: unknown) => error);
        if (typeof result !== 'boolean') expect(result).toMatchObject({ code: 'CONFLICT' });
        const text = (await subject.paths(id)).length > 0 ? await subject.text(id, 'busy') : '';
        expect(new Set(text.slice(0, size)).size).toBeLessThanOrEqual(1);
      }
    } finally {
      isDone = true;
      await writing;
      await file.close();
    }
    await volume.commit();
    expect((await subject.text(id, 'busy')).length).toBeGreaterThan(0);
  });

  it('takes of a file that only grows what it began with', async () => {
    const id = subject.newVolume();
    const { volume, folder } = await subject.mount(id);
    let [lines, isDone] = [0, false];
    const writing = (async () => {
      while (!isDone) await appendFile(join(folder, 'log'), `line ${lines++}\n`);
    })();
    try {
      await expect.poll(() => lines).toBeGreaterThan(10);
      await volume.commit();
    } finally {
      isDone = true;
      await writing;
    }
    const committed = await subject.text(id, 'log');
    expect((await readFile(join(folder, 'log'), 'utf8')).startsWith(committed)).toBe(true);
    expect(committed).toContain('line 5\n');
    await volume.commit();
    expect(await subject.text(id, 'log')).toBe(await readFile(join(folder, 'log'), 'utf8'));
  });

  it.runIf(canOverlay)(
    'on a disk that is full has what fitted, and takes more when there is room',
    async () => {
      await using small = await VolumesUnderTest.start({ ...kind, limitMiB: 8 });
      const id = small.newVolume();
      const { volume, folder } = await small.mount(id);
      await writeFile(join(folder, 'fits'), 'fits');
      const large = writeFile(join(folder, 'large'), Buffer.alloc(16 * 1024 ** 2, 1));
      await expect(large).rejects.toMatchObject({ code: 'ENOSPC' });
      await volume.commit();
      expect(await small.text(id, 'fits')).toBe('fits');
      await rm(join(folder, 'large'));
      await writeFile(join(folder, 'more'), 'more');
      await volume.commit();
      expect(await small.paths(id)).toEqual(['fits', 'more']);
    },
  );
});
