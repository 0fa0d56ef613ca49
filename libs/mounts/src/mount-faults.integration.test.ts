import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { BLOCK_BYTES } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { findMountProblem } from './fuse-mount.ts';
import { digestOf, TestVolume } from './test-volume.fixture.ts';

const LONG_MS = 45_000;
const problem = findMountProblem();
if (problem) console.warn(`SKIPPED: no faults of mounts, ${problem.message}. ${problem.hint}`);

/** Where in a folder of blocks one of them is. */
function blockPath(folder: string, digest: string): string {
  return join(folder, digest.slice(7, 9), digest.slice(9, 11), digest);
}

function mountsIn(table: string, folder: string): string[] {
  return table.split('\n').filter((line) => line.includes(` ${folder}/`) && line.includes(' fuse.gantry '));
}

const mountTable = () => readFile('/proc/self/mountinfo', 'utf8');

/** The mount daemons that this process started. */
async function daemonPids(): Promise<number[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '');
  const pids = children.trim().split(' ').filter(Boolean).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, index) => lines[index]?.includes('mount-daemon'));
}

describe.skipIf(problem)('a mounted version', { timeout: 120_000 }, () => {
  it('is lost when its daemon is killed, and can be mounted anew', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const mounts = volume.mounts();
      try {
        const before = await mounts.mount({ root, ownerId: 0 });
        for (const pid of await daemonPids()) process.kill(pid, 'SIGKILL');
        const error = await before.lost;
        expect(error.code).toBe('UNAVAILABLE');
        expect(error.message).toContain('SIGKILL');
        const after = await mounts.mount({ root, ownerId: 0 });
        expect(await readFile(join(after.path, 'a'), 'utf8')).toBe('a');
        await before.unmount();
        await waitUntil(async () => mountsIn(await mountTable(), volume.folder).length === 1, {
          timeoutMs: LONG_MS,
        });
        expect(await readFile(join(after.path, 'a'), 'utf8')).toBe('a');
      } finally {
        await mounts.close();
      }
    });
  });

  it('answers with an error where its daemon is gone, and is taken away by the next worker', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version(
        { path: 'a', entry: await volume.file('a') },
        { path: 'big', entry: await volume.file(randomBytes(5 * BLOCK_BYTES)) },
      );
      const script = join(import.meta.dirname, 'killed-worker.fixture.ts');
      const worker = spawn(process.execPath, [script, volume.folder, volume.store, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(worker.stdout, 'data')) as [Buffer];
      const path = line.toString().trim();
      expect(await readFile(join(path, 'a'), 'utf8')).toBe('a');
      const held = await open(join(path, 'big'));
      worker.kill('SIGKILL');
      const mounts = volume.mounts();
      // Its daemon sees that the worker is gone, unless that comes first.
      await waitUntil(
        async () => {
          await mounts.reconcile();
          return mountsIn(await mountTable(), volume.folder).length === 0;
        },
        { timeoutMs: LONG_MS },
      );
      await expect(stat(join(path, 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
      const isRefused = (error: { code: string }): boolean => error.code === 'ENOTCONN';
      // Each time elsewhere: what the daemon gave before it went, the kernel keeps.
      let at = 5 * BLOCK_BYTES;
      const readsNoMore = () =>
        held.read(Buffer.alloc(10), 0, 10, (at -= 300_000)).then(() => false, isRefused);
      await waitUntil(readsNoMore, { timeoutMs: LONG_MS, intervalMs: 300 }).finally(() => held.close());
      expect(await readdir(join(volume.folder, 'mounts'))).toEqual([]);
    });
  });

  it('never has wrong bytes: a block that was damaged in the cache is fetched anew', async () => {
    await TestVolume.use(async (volume) => {
      const content = randomBytes(2 * BLOCK_BYTES);
      const entry = await volume.file(content);
      const small = await volume.file('small');
      const root = await volume.version({ path: 'big', entry }, { path: 'small', entry: small });
      const cache = join(volume.folder, 'cache');
      const first = volume.mounts({ cache }, join(volume.folder, 'first'));
      try {
        const { path } = await first.mount({ root, ownerId: 0 });
        expect((await readFile(join(path, 'big'))).equals(content)).toBe(true);
        expect(await readFile(join(path, 'small'), 'utf8')).toBe('small');
        const blocks = [entry, small].flatMap((each) => (each.type === 'file' ? each.blocks : []));
        for (const digest of blocks)
          await waitUntil(() => stat(blockPath(cache, digest)), { timeoutMs: LONG_MS });
        const [torn = '', changed = '', little = ''] = blocks;
        await writeFile(blockPath(cache, torn), content.subarray(0, 1000));
        await writeFile(blockPath(cache, changed), randomBytes(BLOCK_BYTES));
        await writeFile(blockPath(cache, little), 'SMALL');
      } finally {
        await first.close();
      }
      const second = volume.mounts({ cache });
      try {
        const { path } = await second.mount({ root, ownerId: 0 });
        expect((await readFile(join(path, 'big'))).equals(content)).toBe(true);
        expect(await readFile(join(path, 'small'), 'utf8')).toBe('small');
        expect(volume.warnings.filter((line) => line.includes('was damaged'))).toHaveLength(3);
      } finally {
        await second.close();
      }
    });
  });

  it('answers EIO, and says why, where a block is damaged or missing in the store', async () => {
    await TestVolume.use(async (volume) => {
      const bad = await volume.file('bad');
      const gone = await volume.file('gone');
      const root = await volume.version(
        { path: 'bad', entry: bad },
        { path: 'gone', entry: gone },
        { path: 'good', entry: await volume.file('good') },
      );
      const pathOf = (entry: typeof bad) =>
        blockPath(volume.store, (entry.type === 'file' && entry.blocks[0]) || '');
      await writeFile(pathOf(bad), 'BAD');
      await rm(pathOf(gone));
      for (const setup of [{}, { cache: join(volume.folder, 'cache') }]) {
        volume.warnings.length = 0;
        const mounts = volume.mounts(setup);
        try {
          const { path } = await mounts.mount({ root, ownerId: 0 });
          await expect(readFile(join(path, 'bad'))).rejects.toMatchObject({ code: 'EIO' });
          await expect(readFile(join(path, 'gone'))).rejects.toMatchObject({ code: 'EIO' });
          expect(await readFile(join(path, 'good'), 'utf8')).toBe('good');
          await waitUntil(() => volume.warnings.length >= 2, { timeoutMs: LONG_MS });
          const said = volume.warnings.join('\n');
          expect(said).toMatch(/"read" of "bad" failed with EIO: block "sha256-.*" is damaged/);
          expect(said).toMatch(/"read" of "gone" failed with EIO: the store has no block "sha256-/);
        } finally {
          await mounts.close();
        }
      }
    });
  });

  it('waits for a store that is out for a moment, and answers EIO if it stays out', async () => {
    await TestVolume.use(async (volume) => {
      const names = ['one', 'two'];
      const root = await volume.version(
        ...(await Promise.all(names.map(async (name) => ({ path: name, entry: await volume.file(name) })))),
      );
      const outage = join(volume.folder, 'outage');
      const cache = join(volume.folder, 'cache');
      const patient = volume.mounts({ cache, outage, patienceMs: 3_600_000 }, join(volume.folder, 'patient'));
      try {
        const { path } = await patient.mount({ root, ownerId: 0 });
        await readdir(path);
        await writeFile(outage, '');
        const reading = readFile(join(path, 'one'), 'utf8');
        await waitUntil(() => volume.warnings.some((line) => line.includes('is asked for again')), {
          timeoutMs: LONG_MS,
        });
        await rm(outage);
        expect(await reading).toBe('one');
        // It is written to the cache behind its reader's back.
        const written = blockPath(cache, digestOf(Buffer.from('one')));
        await waitUntil(() => stat(written), { timeoutMs: LONG_MS });
      } finally {
        await patient.close();
      }
      const hasty = volume.mounts({ cache, outage, patienceMs: 100 });
      try {
        const { path } = await hasty.mount({ root, ownerId: 0 });
        await readdir(path);
        await writeFile(outage, '');
        await expect(readFile(join(path, 'two'))).rejects.toMatchObject({ code: 'EIO' });
        expect(await readFile(join(path, 'one'), 'utf8')).toBe('one');
        await rm(outage);
        expect(await readFile(join(path, 'two'), 'utf8')).toBe('two');
      } finally {
        await hasty.close();
      }
    });
  });

  it('can be mounted when the store comes back that the daemon did not find at its start', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const outage = join(volume.folder, 'outage');
      const mounts = volume.mounts({ cache: join(volume.folder, 'cache'), outage });
      try {
        await writeFile(outage, '');
        await expect(mounts.mount({ root, ownerId: 0 })).rejects.toThrow('the store cannot be reached');
        await rm(outage);
        const { path } = await mounts.mount({ root, ownerId: 0 });
        expect(await readFile(join(path, 'a'), 'utf8')).toBe('a');
      } finally {
        await mounts.close();
      }
    });
  });

  it('lets go of a reader that is ended while it waits for the store', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const outage = join(volume.folder, 'outage');
      const setup = { cache: join(volume.folder, 'cache'), outage, patienceMs: 3_600_000 };
      const mounts = volume.mounts(setup);
      try {
        const { path } = await mounts.mount({ root, ownerId: 0 });
        await stat(join(path, 'a'));
        await writeFile(outage, '');
        const reader = spawn('cat', [join(path, 'a')], { stdio: 'ignore' });
        await waitUntil(() => volume.warnings.length > 0, { timeoutMs: LONG_MS });
        reader.kill('SIGTERM');
        expect(await once(reader, 'exit')).toEqual([null, 'SIGTERM']);
      } finally {
        await rm(outage, { force: true });
        await mounts.close();
      }
    });
  });

  it('can be taken away while files of it are open, which stay readable', async () => {
    await TestVolume.use(async (volume) => {
      const content = randomBytes(BLOCK_BYTES + 1000);
      const root = await volume.version({ path: 'a', entry: await volume.file(content) });
      const mounts = volume.mounts();
      try {
        const version = await mounts.mount({ root, ownerId: 0 });
        const file = await open(join(version.path, 'a'));
        try {
          await version.unmount();
          await expect(stat(version.path)).rejects.toMatchObject({ code: 'ENOENT' });
          expect((await file.readFile()).equals(content)).toBe(true);
        } finally {
          await file.close();
        }
      } finally {
        await mounts.close();
      }
    });
  });

  it('is one of many at a time, and shared by those who want the same', async () => {
    await TestVolume.use(async (volume) => {
      const roots = await Promise.all(
        Array.from({ length: 60 }, async (_, index) =>
          volume.version({ path: 'a', entry: await volume.file(`content ${index}`) }),
        ),
      );
      const mounts = volume.mounts();
      try {
        const all = await Promise.all(roots.map((root) => mounts.mount({ root, ownerId: 0 })));
        const again = await Promise.all(roots.map((root) => mounts.mount({ root, ownerId: 0 })));
        expect(again.map(({ path }) => path)).toEqual(all.map(({ path }) => path));
        const contents = await Promise.all(all.map(({ path }) => readFile(join(path, 'a'), 'utf8')));
        expect(contents).toEqual(roots.map((_, index) => `content ${index}`));
        await Promise.all(all.map((version) => version.unmount()));
        expect(await readFile(join(again[7]?.path ?? '', 'a'), 'utf8')).toBe('content 7');
        await Promise.all(again.map((version) => version.unmount()));
        expect(mountsIn(await mountTable(), volume.folder)).toEqual([]);
      } finally {
        await mounts.close();
      }
    });
  });

  it('is not kept by containers that began while it was mounted', async () => {
    await TestVolume.use(async (volume) => {
      const root = await volume.version({ path: 'a', entry: await volume.file('a') });
      const mounts = volume.mounts();
      const version = await mounts.mount({ root, ownerId: 0 });
      const container = spawn(
        'unshare',
        ['--mount', '--propagation', 'slave', 'cat', '-', join(version.path, 'a')],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      const seen = async () =>
        mountsIn(await readFile(`/proc/${container.pid}/mountinfo`, 'utf8'), volume.folder).length;
      try {
        container.stdin.write('ready\n');
        await once(container.stdout, 'data');
        expect(await seen()).toBe(1);
        await version.unmount();
        expect(await seen()).toBe(0);
      } finally {
        container.kill('SIGKILL');
        await mounts.close();
      }
    });
  });

  it('of an empty volume has nothing in it; one that the store lacks is refused', async () => {
    await TestVolume.use(async (volume) => {
      const mounts = volume.mounts();
      try {
        expect(await readdir((await mounts.mount({ root: undefined, ownerId: 0 })).path)).toEqual([]);
        const root = `sha256-${'0'.repeat(64)}`;
        await expect(mounts.mount({ root, ownerId: 0 })).rejects.toThrow('the store has no block');
      } finally {
        await mounts.close();
      }
    });
  });
});
