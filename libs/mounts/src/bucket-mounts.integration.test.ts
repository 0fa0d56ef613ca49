import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { AuthError } from '@gantry/protocol';
import { minioAvailable, startMinio, temporaryDirectory, type TestMinio } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BUCKET_MOUNT_TYPE, findBucketProblem, type BucketToMount } from './bucket-mount.ts';
import { BucketMounts, type MountedBucket } from './bucket-mounts.ts';

const problem = findBucketProblem();
if (problem) console.warn(`SKIPPED: no mounts of buckets, ${problem.message}. ${problem.hint}`);
const OWNER = 1_900_000_000;
const LONG = { timeout: 90_000 };

const mountsIn = async (folder: string): Promise<string[]> => {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').filter((line) => line.includes(folder) && line.includes(BUCKET_MOUNT_TYPE));
};

/** The process that shows a bucket there. */
async function programOf(path: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('rclone') && command.split('\0').includes(path)) return Number(pid);
  }
  throw new Error(`nothing shows a bucket at ${path}`);
}

describe.skipIf(problem || !minioAvailable())('a bucket in a folder, on a real MinIO', LONG, () => {
  const stack = new AsyncDisposableStack();
  let minio: TestMinio;
  let folder: string;
  let mounts: BucketMounts;
  let whole: MountedBucket;

  const bucket = (changes: Partial<BucketToMount> = {}): BucketToMount => {
    const { endpoint, accessKey, secretKey } = minio;
    return {
      ...{ bucket: 'trips', keyPrefix: '', endpoint, region: 'us-east-1' },
      ...{ credentials: { accessKey, secretKey }, readOnly: false, requesterPays: false, ownerId: OWNER },
      ...changes,
    };
  };

  beforeAll(async () => {
    minio = stack.use(await startMinio());
    await mkdir(join(minio.dataDir, 'trips'));
    folder = stack.use(await temporaryDirectory('gantry-buckets-')).path;
    mounts = new BucketMounts({ folder: join(folder, 'mounts'), warn: () => undefined, keptMs: 0 });
    stack.defer(() => mounts.close());
    whole = await mounts.open(bucket());
  }, 90_000);
  afterAll(() => stack.disposeAsync(), 90_000);

  it('has its objects as files, of the owner that was asked for', async () => {
    await mkdir(join(whole.path, 'raw/2024'), { recursive: true });
    await writeFile(join(whole.path, 'raw/2024/a.csv'), 'a,b');
    expect(await readdir(join(minio.dataDir, 'trips/raw/2024'))).toEqual(['a.csv']);
    const { uid, gid, size, mode } = await stat(join(whole.path, 'raw/2024/a.csv'));
    expect({ uid, gid, size, mode }).toEqual({ uid: OWNER, gid: OWNER, size: 3, mode: 0o100644 });
    await rename(join(whole.path, 'raw/2024/a.csv'), join(whole.path, 'raw/b.csv'));
    expect(await readFile(join(whole.path, 'raw/b.csv'), 'utf8')).toBe('a,b');
    await rm(join(whole.path, 'raw'), { recursive: true });
    expect(await readdir(whole.path)).toEqual([]);
  });

  it('has of a prefix only what is below it, as others put it there', async () => {
    const raw = await mounts.open(bucket({ keyPrefix: 'in/raw/', readOnly: true }));
    try {
      expect(await readdir(raw.path)).toEqual([]);
      await mkdir(join(whole.path, 'in/raw'), { recursive: true });
      await writeFile(join(whole.path, 'in/above'), '');
      await writeFile(join(whole.path, 'in/raw/below'), 'below');
      await expect.poll(() => readdir(raw.path), { timeout: 60_000 }).toEqual(['below']);
      await expect(writeFile(join(raw.path, 'no'), 'no')).rejects.toMatchObject({ code: 'EROFS' });
      await expect(rm(join(raw.path, 'below'))).rejects.toMatchObject({ code: 'EROFS' });
    } finally {
      raw.release();
    }
  });

  it('has a file once it is closed, whole, and before not at all', async () => {
    const reader = await mounts.open(bucket({ readOnly: true }));
    try {
      const file = await open(join(whole.path, 'slow'), 'w');
      const part = Buffer.alloc(1024 * 1024, 'x');
      for (let count = 0; count < 20; count++) await file.write(part);
      expect(await readdir(reader.path)).not.toContain('slow');
      await file.close();
      await expect.poll(() => readdir(reader.path), { timeout: 60_000 }).toContain('slow');
      expect((await readFile(join(reader.path, 'slow'))).equals(Buffer.alloc(20 * 1024 * 1024, 'x'))).toBe(
        true,
      );
    } finally {
      reader.release();
    }
  });

  it('takes a file whole or not at all: nothing is changed in its middle, or added to its end', async () => {
    const path = join(whole.path, 'fixed');
    await writeFile(path, 'first');
    await expect(appendFile(path, ' and more')).rejects.toThrow();
    const file = await open(path, 'r+');
    await expect(file.write('F', 0).finally(() => file.close())).rejects.toThrow();
    expect(await readFile(path, 'utf8')).toBe('first');
    await writeFile(path, 'second');
    expect(await readFile(path, 'utf8')).toBe('second');
  });

  it('is one mount for all who want the same, and goes with the last of them', async () => {
    const both = await Promise.all([1, 2].map(() => mounts.open(bucket({ keyPrefix: 'shared/' }))));
    expect(both[0]?.path).toBe(both[1]?.path);
    const path = both[0]?.path ?? '';
    both[0]?.release();
    both[0]?.release();
    expect(await mountsIn(path)).toHaveLength(1);
    both[1]?.release();
    await expect.poll(() => mountsIn(path), { timeout: 60_000 }).toEqual([]);
  });

  it('whose credentials run out gets new ones while it is mounted', async () => {
    const { accessKey, secretKey } = minio;
    let asked = 0;
    let isTrusted = true;
    const lend = async () => {
      asked++;
      if (!isTrusted) throw new AuthError('the role is gone');
      // So soon that each use asks for new ones.
      return { accessKey, secretKey, sessionToken: '', expiresAtMs: Date.now() + 1_000 };
    };
    const lent = { credentials: { holder: 'one', lend }, keyPrefix: 'lent/' };
    const [own, other] = await Promise.all([
      mounts.open(bucket(lent)),
      mounts.open(bucket({ ...lent, credentials: { holder: 'two', lend } })),
    ]);
    try {
      expect(own.path).not.toBe(other.path);
      const before = asked;
      await writeFile(join(own.path, 'a'), 'a');
      expect(await readFile(join(other.path, 'a'), 'utf8')).toBe('a');
      expect(asked).toBeGreaterThan(before);
      isTrusted = false;
      await expect(writeFile(join(own.path, 'b'), 'b')).rejects.toThrow();
      isTrusted = true;
      await writeFile(join(own.path, 'c'), 'c');
      expect(await readdir(join(minio.dataDir, 'trips/lent'))).not.toContain('b');
      expect(await readdir(join(minio.dataDir, 'trips/lent'))).toContain('c');
    } finally {
      own.release();
      other.release();
    }
  });

  it('is lost when its program is killed, and can be mounted anew', async () => {
    const before = await mounts.open(bucket({ keyPrefix: 'lost/' }));
    process.kill(await programOf(before.path), 'SIGKILL');
    expect((await before.lost).code).toBe('UNAVAILABLE');
    const after = await mounts.open(bucket({ keyPrefix: 'lost/' }));
    await writeFile(join(after.path, 'a'), 'a');
    expect(await readFile(join(after.path, 'a'), 'utf8')).toBe('a');
    before.release();
    after.release();
  });

  it('goes on after the store was away', async () => {
    await writeFile(join(whole.path, 'patient'), 'patient');
    minio.kill();
    await minio.restart();
    await expect
      .poll(() => readFile(join(whole.path, 'patient'), 'utf8').catch(() => ''), { timeout: 60_000 })
      .toBe('patient');
  });

  it('is taken away by the next worker when one was killed', async () => {
    // Of its own at each attempt.
    const at = await mkdtemp(join(folder, 'killed-'));
    const script = join(import.meta.dirname, 'killed-bucket-worker.fixture.ts');
    const worker = spawn(process.execPath, [script, at, JSON.stringify(bucket())], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(worker.stdout, 'data');
    expect(await mountsIn(at)).toHaveLength(1);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await new BucketMounts({ folder: at, warn: () => undefined }).reconcile();
    expect(await mountsIn(at)).toEqual([]);
  });

  it('that does not come up says why', async () => {
    await expect(mounts.open(bucket({ ownerId: -1 }))).rejects.toThrow('invalid argument "-1"');
  });
});
