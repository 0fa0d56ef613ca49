import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';

import { minioAvailable, startMinio } from '@gantry/testing';
import { Client, type FileEntry, NetworkFileSystem, Volume } from 'gantry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runCli, startPlatform, type Platform } from './platform.ts';

const stores = [
  { store: 'local disk', isThere: () => true, start: async () => startPlatform() },
  {
    store: 'a real MinIO',
    isThere: minioAvailable,
    start: async () => {
      const { endpoint, accessKey, secretKey, stop } = await startMinio();
      const flags = ['--s3-endpoint', endpoint, '--s3-access-key', accessKey, '--s3-secret-key', secretKey];
      const platform = await startPlatform({ flags });
      const dispose = async () => {
        await platform[Symbol.asyncDispose]();
        await stop();
      };
      return { ...platform, [Symbol.asyncDispose]: dispose };
    },
  },
];

describe.each(stores.filter(({ isThere }) => isThere()))('a volume on $store', ({ start }) => {
  let platform: Platform;
  let folder: string;
  let client: Client;
  beforeAll(async () => {
    platform = await start();
    process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
    client = Client.default();
  });
  afterAll(async () => {
    await client.close();
    await platform[Symbol.asyncDispose]();
  });
  // Each test, and each attempt at one, begins with no volumes and an empty folder.
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-volumes-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    for (const { name } of await Volume.list()) if (name !== undefined) await Volume.delete(name);
  });

  const gantry = (...args: string[]) => runCli(['volume', ...args], platform.env, folder);
  const pathsOf = (entries: FileEntry[]) => entries.map(({ path }) => path);
  const textOf = async (volume: Volume, path: string) => (await buffer(volume.readFile(path))).toString();

  it('without a name is there as long as it is held', async () => {
    await using volume = await Volume.ephemeral();
    await volume.batchUpload((batch) => batch.putFile(Buffer.from('a'), 'deep/a'));
    expect(pathsOf(await volume.listdir('/', { recursive: true }))).toEqual(['deep', 'deep/a']);
    expect((await Volume.list()).map(({ name }) => name)).not.toContain(volume.name);
    expect(await textOf(Volume.fromName(volume.objectId), 'deep/a')).toBe('a');
    const listed = await NetworkFileSystem.ephemeral(async (files) => {
      await files.writeFile('/b', Buffer.from('b'));
      return pathsOf(await files.listdir('/'));
    });
    expect(listed).toEqual(['b']);
  });

  it('is a network file system, too: each write is seen at once, whole', async () => {
    const shared = NetworkFileSystem.fromName('shared', { createIfMissing: true });
    expect(await shared.writeFile('/notes/a.txt', Buffer.from('first'))).toBe(5);
    expect(await shared.writeFile('/notes/a.txt', Buffer.from('hello'))).toBe(5);
    await writeFile(join(folder, 'b.md'), 'b');
    await shared.writeFile('/notes/', join(folder, 'b.md'));
    await shared.addLocalFile(join(folder, 'b.md'));
    await mkdir(join(folder, 'tree/deep'), { recursive: true });
    await writeFile(join(folder, 'tree/deep/c.txt'), 'c');
    await shared.addLocalDir(join(folder, 'tree'), '/notes/tree');
    expect(await textOf(Volume.fromName('shared'), 'notes/a.txt')).toBe('hello');
    expect(pathsOf(await shared.listdir('/notes'))).toEqual(['a.txt', 'b.md', 'tree']);
    expect(pathsOf(await shared.listdir('/notes/a.txt'))).toEqual(['notes/a.txt']);
    expect(pathsOf(await shared.listdir('/*.md'))).toEqual(['/b.md']);
    expect(pathsOf(await shared.listdir('/notes/**/*.txt'))).toEqual([
      '/notes/a.txt',
      '/notes/tree/deep/c.txt',
    ]);
    await shared.removeFile('/notes', { recursive: true });
    expect((await buffer(shared.readFile('/b.md'))).toString()).toBe('b');
    await NetworkFileSystem.delete('shared');
    await expect(Volume.fromName('shared').listdir('/')).rejects.toThrow('there is no volume "shared"');
  });

  it('is a network file system for the command line, too, which replaces, and takes patterns', async () => {
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli(['nfs', ...args], platform.env);
      expect(code, stdout + stderr).toBe(0);
      return stdout;
    };
    expect(await run('create', 'team')).toContain('There is a network file system team.');
    await run('create', 'team');
    await mkdir(join(folder, 'logs/deep'), { recursive: true });
    for (const name of ['a.txt', 'deep/b.txt', 'deep/c.md'])
      await writeFile(join(folder, 'logs', name), name);
    await run('put', 'team', join(folder, 'logs'), '/logs');
    await run('put', 'team', join(folder, 'logs'), '/logs');
    const out = join(folder, 'matched');
    expect(await run('get', 'team', '/logs/**/*.txt', out)).toContain('Got 2 files, 15 B, from "team".');
    expect(await readFile(join(out, 'logs/deep/b.txt'), 'utf8')).toBe('deep/b.txt');
    expect(await run('get', 'team', '/logs/*.txt', '-')).toBe('a.txt');
    expect(await run('ls', 'team', '/logs')).toContain('logs/deep/');
    await run('rm', '-r', 'team', '/logs');
    expect(await run('list')).toContain('team');
    const nothing = await runCli(['nfs', 'get', 'team', '/*.txt'], platform.env);
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('matches "/*.txt"')]);
    await run('delete', 'team', '--yes');
  });

  it('takes a directory and gives it back with contents, modes, times and links', async () => {
    const source = join(folder, 'source');
    await mkdir(join(source, 'deep/er'), { recursive: true });
    const content = randomBytes(9 * 1024 * 1024 + 5);
    await writeFile(join(source, 'deep/er/big.bin'), content);
    await writeFile(join(source, 'run.sh'), '#!/bin/sh\n');
    await writeFile(join(source, 'empty'), '');
    await chmod(join(source, 'run.sh'), 0o755);
    await symlink('deep/er/big.bin', join(source, 'latest'));

    expect((await gantry('create', 'round-trip')).code).toBe(0);
    expect(await gantry('put', 'round-trip', 'source', '/data')).toMatchObject({ code: 0 });
    expect(await gantry('put', 'round-trip', 'source/deep')).toMatchObject({ code: 0 });
    expect(pathsOf(await Volume.fromName('round-trip').listdir('/'))).toEqual(['data', 'deep']);
    const got = await gantry('get', 'round-trip', '/data', 'copy');
    expect(got.stdout).toMatch(/^Got 3 files, 9\.4 MB, from volume "round-trip" in /);

    const copy = join(folder, 'copy');
    expect(content.equals(await readFile(join(copy, 'deep/er/big.bin')))).toBe(true);
    expect((await stat(join(copy, 'run.sh'))).mode & 0o777).toBe(0o755);
    expect(
      Math.abs((await stat(join(copy, 'run.sh'))).mtimeMs - (await stat(join(source, 'run.sh'))).mtimeMs),
    ).toBeLessThan(1_000);
    expect(await readlink(join(copy, 'latest'))).toBe('deep/er/big.bin');
    expect((await stat(join(copy, 'empty'))).size).toBe(0);
    expect((await gantry('get', 'round-trip', '/data/run.sh', '-')).stdout).toBe('#!/bin/sh\n');
  });

  it('shows a batch at once or not at all, also when it is the second to write a path', async () => {
    const volume = Volume.fromName('batches', { createIfMissing: true });
    await volume.batchUpload((batch) => batch.putFile(Buffer.from('one'), '/a/one.txt'));
    const second = volume.batchUpload((batch) => {
      batch.putFile(Buffer.from('two'), '/a/two.txt');
      batch.putFile(Buffer.from('other'), '/a/one.txt');
    });
    await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(pathsOf(await volume.listdir('/', { recursive: true }))).toEqual(['a', 'a/one.txt']);
    {
      await using batch = await volume.batchUpload({ force: true });
      batch.putFile(Buffer.from('other'), '/a/one.txt');
    }
    expect(await textOf(volume, 'a/one.txt')).toBe('other');
    const overDirectory = volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), '/a'), {
      force: true,
    });
    await expect(overDirectory).rejects.toMatchObject({ code: 'CONFLICT' });
    const belowFile = volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), '/a/one.txt/b'), {
      force: true,
    });
    await expect(belowFile).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('lists without what is below unless asked, iterates with it, and knows its own id then', async () => {
    const volume = Volume.fromName('listing', { createIfMissing: true });
    expect(() => volume.objectId).toThrow('was not looked up yet');
    await volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), 'd/e/f'));
    expect(volume.objectId).toMatch(/^vo-/);
    expect(pathsOf(await volume.listdir('/'))).toEqual(['d']);
    expect(pathsOf(await volume.listdir('d/e/f'))).toEqual(['d/e/f']);
    const all: string[] = [];
    for await (const { path } of volume.iterdir('/')) all.push(path);
    expect(all).toEqual(['d', 'd/e', 'd/e/f']);
    await expect(volume.listdir('d/*')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), 'run[1]/what?'));
    expect(pathsOf(await volume.listdir('run[1]'))).toEqual(['run[1]/what?']);
    await expect(volume.listdir('missing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('copies and removes inside of itself', async () => {
    const volume = await Volume.create('inside');
    await volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), 'a.txt'));
    await volume.copyFiles(['a.txt'], 'b/c.txt');
    await expect(volume.copyFiles(['b'], 'd')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const copy = await gantry('cp', '-r', 'inside', 'b', 'a.txt', 'd/e/');
    expect([copy.code, copy.stdout]).toEqual([0, expect.stringContaining('Copied 2 paths to "d/e/"')]);
    expect(pathsOf(await volume.listdir('d/e', { recursive: true }))).toEqual([
      'd/e/a.txt',
      'd/e/b',
      'd/e/b/c.txt',
    ]);
    await volume.copyFiles(['d'], 'f', { recursive: true });
    for (const path of ['d', 'f']) await volume.removeFile(path, { recursive: true });
    await expect(volume.removeFile('b')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await volume.removeFile('a.txt');
    expect(pathsOf(await volume.listdir('/', { recursive: true }))).toEqual(['b', 'b/c.txt']);
    await volume.removeFile('b', { recursive: true });
    expect(await volume.listdir('/')).toEqual([]);
  });

  it('is renamed and deleted by name, and a handle on it is made again where that is allowed', async () => {
    await Volume.create('first');
    await Volume.rename('first', 'second');
    await expect(Volume.fromName('first').hydrate()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await Volume.list()).map(({ name }) => name)).toContain('second');
    await Volume.delete('second');
    await expect(Volume.delete('second')).rejects.toMatchObject({
      ...{ code: 'NOT_FOUND', hint: 'See those there are: gantry volume list --env main' },
    });
    await Volume.create('inside');
    await expect(Volume.create('inside')).rejects.toMatchObject({ code: 'CONFLICT' });
    const asked = await gantry('delete', 'inside');
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('--yes is missing')]);
    expect((await gantry('delete', '-y', 'inside')).code).toBe(0);
  });

  it('refuses what cannot be in it, and says which', async () => {
    const volume = Volume.fromName('refusals', { createIfMissing: true });
    for (const path of ['../x', 'a/../../x', 'a\nb', 'a\0b', 'x'.repeat(4_100)]) {
      const upload = volume.batchUpload((batch) => batch.putFile(Buffer.from('x'), path));
      await expect(upload).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await mkdir(join(folder, 'escape'));
    await symlink('/etc/passwd', join(folder, 'escape/out'));
    const put = await gantry('put', 'refusals', 'escape', '/');
    expect([put.code, put.stderr]).toEqual([
      1,
      expect.stringContaining('"escape/out" to "/etc/passwd" has an absolute target'),
    ]);
    expect(await volume.listdir('/')).toEqual([]);
    for (const command of ['create', 'ls']) {
      const { code, stderr } = await gantry(command, '');
      expect([code, stderr]).toEqual([1, expect.stringContaining('the volume name "" is not valid')]);
    }
    await expect(volume.removeFile('nothing')).rejects.toMatchObject({
      hint: 'See what is in it: gantry volume ls, or listdir().',
    });
  });
});
