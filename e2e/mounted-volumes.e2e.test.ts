import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { findRuncProblem } from '@gantry/containers';
import { minioAvailable, startMinio, temporaryDirectory } from '@gantry/testing';
import { Client, Cls, NetworkFileSystem, RemoteFunction, Volume } from 'gantry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { load, save } from './mounted-volumes/absolute-app.ts';
import type {
  barred,
  f,
  g,
  inside,
  Model,
  note,
  noted,
  put,
  reads,
  survive,
  train,
} from './mounted-volumes/app.ts';
import { end, runCli, startPlatform, type Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'mounted-volumes/app.ts');
const ABSOLUTE = join(import.meta.dirname, 'mounted-volumes/absolute-app.ts');
const LIMIT_MS = 180_000;
/** With runc the first deploy builds an image. */
const START_LIMIT_MS = 600_000;

const noRunc = findRuncProblem()?.message;
if (noRunc) console.warn(`SKIPPED: volumes in runc containers, ${noRunc}`);
if (!minioAvailable()) console.warn('SKIPPED: volumes on MinIO, which is not installed');
const drivers = ['process', ...(noRunc ? [] : ['runc'])];
const stores = ['local disk', ...(minioAvailable() ? ['a real MinIO'] : [])];
const cases = drivers.flatMap((driver) => stores.map((store) => ({ driver, store })));

describe.each(cases)('volumes in $driver containers, on $store', ({ driver, store }) => {
  const stack = new AsyncDisposableStack();
  let platform: Platform;

  beforeAll(async () => {
    const flags = ['--driver', driver];
    if (store !== 'local disk') {
      const { endpoint, accessKey, secretKey, stop } = await startMinio();
      stack.defer(stop);
      flags.push('--s3-endpoint', endpoint, '--s3-access-key', accessKey, '--s3-secret-key', secretKey);
    }
    platform = stack.use(await startPlatform({ flags }));
    process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
    stack.defer(() => Client.default().close());
    const { code, stdout, stderr } = await runCli(['deploy', ENTRY], platform.env);
    expect(code, stdout + stderr).toBe(0);
  }, START_LIMIT_MS);
  afterAll(() => stack.disposeAsync(), LIMIT_MS);

  let attempts = 0;
  /** A path that no earlier attempt at a test has used. */
  const fresh = (path: string) => `${++attempts}-${path}`;
  const textOf = async (name: string, path: string) =>
    (await buffer(Volume.fromName(name).readFile(path))).toString();

  it(
    'show in a warm container what was there at its start, until it reloads',
    async () => {
      const name = fresh('bar.txt');
      const warm = RemoteFunction.fromName<typeof g>('mounted', 'g');
      expect(await warm.remote(name)).toBeNull();
      await RemoteFunction.fromName<typeof f>('mounted', 'f').remote(name, 'hello');
      expect(await warm.remote(name)).toBeNull();
      expect(await warm.remote(name, true)).toBe('hello');
      expect(await textOf('shared', name)).toBe('hello');
    },
    LIMIT_MS,
  );

  it(
    'have after the end of their containers what many of these wrote',
    async () => {
      const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
      for await (const _ of RemoteFunction.fromName<typeof put>('mounted', 'put').map(names)) void _;
      const listed = async () => {
        const entries = await Volume.fromName('shared')
          .listdir('many')
          .catch(() => []);
        return entries.map(({ path }) => path);
      };
      await expect.poll(listed, { timeout: 90_000 }).toEqual(names.map((name) => `many/${name}`));
    },
    LIMIT_MS,
  );

  it(
    'carry a run that is cut off again and again from attempt to attempt',
    async () => {
      const { begin, end } = await RemoteFunction.fromName<typeof train>('mounted', 'train').remote(12);
      expect(end).toBe(12);
      expect(begin).toBeGreaterThan(0);
      await expect.poll(() => textOf('models', 'step'), { timeout: 60_000 }).toBe('12');
    },
    LIMIT_MS,
  );

  it(
    'hold the files of a class, in a directory of the volume',
    async () => {
      const model = await Cls.fromName<typeof Model>('mounted', 'Model');
      expect(await model.instance().weights.remote()).toBe('weights');
      expect(await textOf('models', 'weights/v1.bin')).toBe('weights');
    },
    LIMIT_MS,
  );

  it(
    'are those that a caller gives a function, in place of its own',
    async () => {
      await using mine = await Volume.ephemeral();
      await mine.batchUpload((batch) => batch.putFile(Buffer.from('mine'), 'a.txt'));
      const own = Volume.fromName('shared');
      await own.batchUpload((batch) => batch.putFile(Buffer.from('own'), 'own.txt'), { force: true });
      const plain = RemoteFunction.fromName<typeof reads>('mounted', 'reads');
      const given = plain.withOptions({ volumes: { given: mine.withMountOptions({ readOnly: true }) } });
      expect(await given.remote('given/a.txt')).toBe('mine');
      expect(await given.remote('data/shared/own.txt')).toBeNull();
      expect(await plain.remote('given/a.txt')).toBeNull();
      const missing = plain.withOptions({ volumes: { given: Volume.fromName('nowhere') } });
      await expect(missing.remote('given/a.txt')).rejects.toThrow('there is no volume "nowhere"');
    },
    LIMIT_MS,
  );

  it(
    'are network file systems, which show what a call wrote when it has ended',
    async () => {
      const [write, read] = [
        RemoteFunction.fromName<typeof note>('mounted', 'note'),
        RemoteFunction.fromName<typeof noted>('mounted', 'noted'),
      ];
      const name = fresh('a');
      expect(await read.remote(name)).toBeNull();
      await write.remote(name, 'first');
      expect(await read.remote(name)).toBe('first');
      await NetworkFileSystem.fromName('notes').writeFile(`/${name}`, Buffer.from('from outside'));
      expect(await read.remote(name)).toBe('from outside');
      expect(await textOf('notes', name)).toBe('from outside');
    },
    LIMIT_MS,
  );

  it(
    'can be used by code in containers as by programs outside, unless the code is restricted',
    async () => {
      const count = 9 * 1024 ** 2;
      expect(await RemoteFunction.fromName<typeof inside>('mounted', 'inside').remote(count)).toEqual({
        paths: ['c.txt'],
        sizeBytes: count,
        missing: 'NotFoundError',
      });
      expect((await textOf('other', 'c.txt')).length).toBe(count);
      expect(await RemoteFunction.fromName<typeof barred>('mounted', 'barred').remote()).toBe(
        'UNAUTHENTICATED',
      );
      expect(await textOf('shared', 'barred.txt')).toBe('given');
    },
    LIMIT_MS,
  );

  it.runIf(driver === 'process')(
    'are refused at the machine’s own paths, when they are deployed',
    async () => {
      const { code, stderr } = await runCli(['deploy', ABSOLUTE], platform.env);
      expect([code, stderr]).toEqual([1, expect.stringContaining('a volume at "/models"')]);
      expect(stderr).toContain('give it a path without a slash in front');
    },
    LIMIT_MS,
  );

  it.runIf(driver === 'runc')(
    'are at any path, for reading alone where that is asked for',
    async () => {
      const { code, stdout, stderr } = await runCli(['deploy', ABSOLUTE], platform.env);
      expect(code, stdout + stderr).toBe(0);
      await RemoteFunction.fromName<typeof save>('absolute', 'save').remote('second');
      await expect
        .poll(() => textOf('absolute', 'latest').catch(() => ''), { timeout: 60_000 })
        .toBe('second');
      expect(await RemoteFunction.fromName<typeof load>('absolute', 'load').remote()).toEqual([
        'second',
        'EROFS',
      ]);
    },
    LIMIT_MS,
  );
});

describe.each(drivers)('a platform with %s containers that is killed', (driver) => {
  it(
    'has of a volume what was committed, whole, and runs again on that',
    async () => {
      await using directory = await temporaryDirectory('gantry-killed-');
      const start = () => startPlatform({ dataDir: directory.path, flags: ['--driver', driver] });
      process.env['GANTRY_DATA_DIR'] = directory.path;
      const text = async (path: string) =>
        (await buffer(Volume.fromName('shared').readFile(path))).toString();
      const untilThere = (path: string) =>
        expect.poll(() => text(path).catch(() => ''), { timeout: 120_000 }).not.toBe('');
      const [committed, later] = ['a'.repeat(1_000_000), 'b'.repeat(1_000_000)];
      const platform = await start();
      try {
        const { code, stdout, stderr } = await runCli(['deploy', ENTRY], platform.env);
        expect(code, stdout + stderr).toBe(0);
        await RemoteFunction.fromName<typeof survive>('mounted', 'survive').spawn(committed, later);
        await untilThere('survive');
      } finally {
        await Client.default().close();
        await end(platform.child, 'SIGKILL');
      }
      await using _next = await start();
      try {
        // A background commit may have come in time.
        expect([committed, later]).toContain(await text('survive'));
        await untilThere('found');
        expect([committed, later]).toContain(await text('found'));
      } finally {
        await Client.default().close();
      }
    },
    START_LIMIT_MS,
  );
});
