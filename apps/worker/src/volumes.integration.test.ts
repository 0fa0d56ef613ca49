import { join } from 'node:path';

import { openBlobStore, volumeStoreConfig, type BlobStore } from '@gantry/blobs';
import { findRuncProblem } from '@gantry/containers';
import { volumeHeads } from '@gantry/messaging';
import {
  newId,
  registryKeys,
  type FunctionOptionsSpec,
  type FunctionRecord,
  type VolumeMount,
} from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { fileAt, VolumeStore } from '@gantry/volumes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DriverName } from './driver-choice.ts';
import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const problem = findRuncProblem();
if (problem) console.warn(`SKIPPED: volumes in runc containers, ${problem.message}`);
const drivers: { driver: DriverName; root: string }[] = [
  { driver: 'process', root: '' },
  ...(problem ? [] : [{ driver: 'runc' as const, root: '/' }]),
];

const freeFunction = (name: string, code: string): string =>
  `{ kind: 'function', name: '${name}', fn: ${code} }`;
/** Acts on files at a path, as one input each. */
const FILES = `async (act, path, text = '') => {
  const fs = await import('node:fs');
  const host = globalThis[Symbol.for('gantry.host')];
  if (act === 'write') return fs.writeFileSync(path, text);
  if (act === 'read') return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : null;
  if (act === 'open') return void (globalThis.open = fs.openSync(path));
  if (act === 'close') return fs.closeSync(globalThis.open);
  if (act === 'fail') { fs.writeFileSync(path, text); throw new Error('after writing'); }
  if (act === 'hang') { fs.writeFileSync(path, text); for (;;); }
  if (act === 'wait') { fs.writeFileSync(path, text); await new Promise((resolve) => setTimeout(resolve, 600_000)); }
  if (act === 'die') { fs.writeFileSync(path, text); process.kill(process.pid, 'SIGKILL'); }
  await host.volume(act, path).catch((error) => { throw new Error(error.message); });
}`;
const LONG = { timeout: 120_000 };

describe.each(drivers)('volumes in $driver containers', ({ driver, root }) => {
  let folder: TemporaryDirectory;
  let platform: WorkerUnderTest;
  let blobs: BlobStore;
  let store: VolumeStore;
  const at = `${root}data/files`;

  beforeAll(async () => {
    folder = await temporaryDirectory('gantry-runner-');
    const runner = await bundleRunner(join(folder.path, 'runner'));
    platform = await WorkerUnderTest.start(runner, { driver, exitGraceMs: 20_000 });
    blobs = await openBlobStore(volumeStoreConfig(platform.blobConfig));
    store = new VolumeStore({
      heads: volumeHeads(platform.messaging.registry),
      pages: {
        read: (digest) => blobs.getBytes(digest),
        write: async (bytes) => (await blobs.putBytes(bytes)).digest,
      },
      nowMs: Date.now,
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      random: Math.random,
    });
  });
  afterAll(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder?.remove();
  });

  async function newVolume(): Promise<string> {
    const volumeId = newId('vo');
    const head = { version: 0, entries: 0, sizeBytes: 0, committedAtMs: 0 };
    await platform.messaging.registry.create(registryKeys.volumeHead(volumeId), head);
    return volumeId;
  }

  /** A function that has the volume, as "models", below its working directory or the root. */
  async function deploy(
    volumeId: string,
    options: FunctionOptionsSpec = {},
    mount: Partial<VolumeMount> = {},
  ): Promise<FunctionRecord> {
    const record = await platform.deploy(freeFunction('files', FILES), options);
    record.volumes = [{ path: at, name: 'models', environment: 'main', volumeId, ...mount }];
    return record;
  }

  /** Starts a container; resolves to what acts in it. */
  async function start(record: FunctionRecord) {
    const containerId = await platform.startContainer(record);
    const submit = (...args: unknown[]) => platform.submit(record, '', [args]);
    const act = async (...args: unknown[]) => (await submit(...args)).value();
    return { containerId, act, submit };
  }

  async function committed(volumeId: string, path: string): Promise<string | undefined> {
    const { tree } = await store.open(volumeId);
    const file = await fileAt(tree, path).catch(() => undefined);
    if (!file) return undefined;
    return Buffer.concat(await Promise.all(file.blocks.map((digest) => blobs.getBytes(digest)))).toString();
  }

  const untilCommitted = (volumeId: string, path: string, text: string) =>
    waitUntil(async () => (await committed(volumeId, path)) === text, {
      timeoutMs: 60_000,
      what: `"${path}" to be committed`,
    });

  it('are seen as they were at the start, and as others committed them after a reload', LONG, async () => {
    const volumeId = await newVolume();
    const [f, g] = [await deploy(volumeId), await deploy(volumeId)];
    const reader = await start(g);
    expect(await reader.act('read', `${at}/bar.txt`)).toBeNull();
    const writer = await start(f);
    await writer.act('write', `${at}/bar.txt`, 'hello');
    await writer.act('commit', 'models');
    expect(await reader.act('read', `${at}/bar.txt`)).toBeNull();
    await reader.act('reload', 'models');
    expect(await reader.act('read', `${at}/bar.txt`)).toBe('hello');
  });

  it('are not reloaded while a file is open, and the error names it', LONG, async () => {
    const volumeId = await newVolume();
    const { act, submit } = await start(await deploy(volumeId));
    await act('write', `${at}/data.txt`, 'open');
    await act('open', `${at}/data.txt`);
    const refused = await (await submit('reload', 'models')).output();
    expect(JSON.stringify(refused.outcome)).toContain('volume busy: \\"data.txt\\" is in use');
    await act('close', '');
    await act('reload', 'models');
    expect(await act('read', `${at}/data.txt`)).toBe('open');
  });

  it(
    'that are network file systems need no commit and no reload, where all their files are closed',
    LONG,
    async () => {
      const volumeId = await newVolume();
      const shared = { shared: true } as const;
      const reader = await start(await deploy(volumeId, {}, shared));
      const writer = await start(await deploy(volumeId, {}, shared));
      expect(await reader.act('read', `${at}/a.txt`)).toBeNull();
      await writer.act('write', `${at}/a.txt`, 'first');
      expect(await reader.act('read', `${at}/a.txt`)).toBe('first');
      await reader.act('open', `${at}/a.txt`);
      await writer.act('write', `${at}/a.txt`, 'second');
      expect(await reader.act('read', `${at}/a.txt`)).toBe('first');
      await reader.act('close', '');
      expect(await reader.act('read', `${at}/a.txt`)).toBe('second');
      await reader.act('write', `${at}/b.txt`, 'back');
      expect(await writer.act('read', `${at}/b.txt`)).toBe('back');
    },
  );

  it('are committed while inputs run, without being asked', LONG, async () => {
    const volumeId = await newVolume();
    const { containerId, submit } = await start(await deploy(volumeId));
    await submit('wait', `${at}/checkpoint`, 'step 1');
    await untilCommitted(volumeId, 'checkpoint', 'step 1');
    expect(platform.container(containerId)?.state).toBe('ready');
    await platform.command({ type: 'kill', containerId, reason: 'test' });
  });

  it.each(['stop', 'preempt', 'kill'] as const)(
    'are committed when a container ends by %s',
    LONG,
    async (type) => {
      const volumeId = await newVolume();
      const { containerId, act } = await start(await deploy(volumeId));
      await act('write', `${at}/last`, 'words');
      await platform.command({ type, fence: 1, containerId, reason: 'test' });
      await waitUntil(() => platform.container(containerId)?.state === 'stopped', { timeoutMs: 60_000 });
      expect(await committed(volumeId, 'last')).toBe('words');
    },
  );

  it('are committed after a crash, before the input runs elsewhere', LONG, async () => {
    const volumeId = await newVolume();
    const { containerId, submit } = await start(await deploy(volumeId));
    await submit('die', `${at}/last`, 'words');
    await waitUntil(() => platform.container(containerId)?.state === 'stopped', { timeoutMs: 60_000 });
    expect(await committed(volumeId, 'last')).toBe('words');
  });

  it('have what an input wrote that failed or was over its time when that is known', LONG, async () => {
    const volumeId = await newVolume();
    const failing = await start(await deploy(volumeId));
    const failed = await (await failing.submit('fail', `${at}/failed`, 'words')).output();
    expect(failed.outcome.type).toBe('error');
    expect(await committed(volumeId, 'failed')).toBe('words');
    const hanging = await start(await deploy(volumeId, { timeoutMs: 1_000 }));
    const stuck = await (await hanging.submit('hang', `${at}/stuck`, 'words')).output();
    expect(stuck.outcome.type).toBe('failure');
    expect(await committed(volumeId, 'stuck')).toBe('words');
  });

  it(
    'cannot be written where they are read-only, and show one directory where that is asked for',
    LONG,
    async () => {
      const volumeId = await newVolume();
      const writer = await start(await deploy(volumeId, {}, { subPath: 'a/b' }));
      await writer.act('write', `${at}/x`, 'inner');
      await writer.act('commit', 'models');
      expect(await committed(volumeId, 'a/b/x')).toBe('inner');
      const reader = await start(await deploy(volumeId, {}, { readOnly: true }));
      expect(await reader.act('read', `${at}/a/b/x`)).toBe('inner');
      await (await reader.submit('write', `${at}/a/b/x`, 'other')).output();
      await reader.act('commit', 'models');
      expect(await committed(volumeId, 'a/b/x')).toBe('inner');
    },
  );

  it('that a container does not have are not its to commit', LONG, async () => {
    const { submit } = await start(await deploy(await newVolume()));
    const refused = await (await submit('commit', 'others')).output();
    expect(JSON.stringify(refused.outcome)).toContain('this container does not have volume \\"others\\"');
  });
});
