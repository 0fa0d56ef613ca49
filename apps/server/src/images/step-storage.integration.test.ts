import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { openBlobStore, volumeStoreConfig } from '@gantry/blobs';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import { BucketMounts, findBucketProblem, VersionsInUse } from '@gantry/mounts';
import { type FunctionStep, IMAGE_FUNCTION_VOLUMES, type SecretRef } from '@gantry/protocol';
import { ANY_ENVIRONMENT, minioAvailable, startMinio, startNats, temporaryDirectory } from '@gantry/testing';
import { fileAt, fileContent, type VolumeDirectory } from '@gantry/volumes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openVolumes } from '../volumes/open-volumes.ts';
import { type OpenStepStorage, StepStorage } from './step-storage.ts';

const ENVIRONMENT = 'main';
const noBuckets = findBucketProblem()?.message ?? (minioAvailable() ? undefined : 'there is no MinIO');

describe('volumes and buckets of a build step', () => {
  const stack = new AsyncDisposableStack();
  let messaging: Messaging;
  let volumes: VolumeDirectory;
  let storage: StepStorage;
  let folder: string;

  beforeAll(async () => {
    const nats = await startNats();
    stack.defer(() => nats.stop());
    const directory = await temporaryDirectory('gantry-steps-');
    stack.defer(() => directory.remove());
    folder = directory.path;
    messaging = await connectMessaging({ url: nats.url, name: 'test', onError: () => undefined });
    stack.defer(() => messaging.close());
    await messaging.ensureStreams();
    const config = volumeStoreConfig({ type: 'disk', path: join(folder, 'blobs') });
    volumes = openVolumes({
      ...{ registry: messaging.registry, blobs: await openBlobStore(config) },
      environments: ANY_ENVIRONMENT,
    });
    storage = new StepStorage({
      folder: join(folder, 'steps'),
      volumes,
      environments: ANY_ENVIRONMENT,
      inUse: new VersionsInUse({ registry: messaging.registry, holder: 'se-1', warn: () => undefined }),
      buckets: new BucketMounts({ folder: join(folder, 'buckets'), warn: () => undefined, keptMs: 0 }),
    });
    stack.defer(() => storage.close());
  }, 60_000);

  afterAll(() => stack.disposeAsync());

  const step = (changes: Partial<FunctionStep>): FunctionStep => ({
    ...{ type: 'function', name: 'fill', sourceDigest: 'sha256-f', args: '', timeoutMs: 1_000 },
    ...changes,
  });

  async function open(
    changes: Partial<FunctionStep>,
    openSecrets: (refs: readonly SecretRef[]) => Promise<Record<string, string>> = async () => ({}),
  ): Promise<OpenStepStorage> {
    const wanted = step(changes);
    const user = { environment: ENVIRONMENT, openSecrets };
    return storage.open(wanted, await storage.find(wanted, ENVIRONMENT), user);
  }

  const sourceOf = (opened: OpenStepStorage, target: string): string =>
    opened.mounts.find((mount) => mount.target === target)?.source ?? `nothing is at ${target}`;

  /** What code in the step does, from outside of its container. */
  async function ask(opened: OpenStepStorage, request: object): Promise<unknown> {
    const socket = connect(sourceOf(opened, IMAGE_FUNCTION_VOLUMES));
    socket.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await text(socket));
  }

  async function read(name: string, path: string): Promise<string> {
    const { id } = await volumes.find(ENVIRONMENT, name);
    const { tree } = await volumes.store.open(id);
    return text(fileContent(volumes.blobs, await fileAt(tree, path)));
  }

  it('have what was committed before, and what the step wrote when it is committed', async () => {
    const own = [{ path: '/models', name: 'weights', createIfMissing: true as const }];
    {
      await using first = await open({ volumes: own });
      await mkdir(join(sourceOf(first, '/models'), 'v1'));
      await writeFile(join(sourceOf(first, '/models'), 'v1/a.bin'), 'first');
      await first.commit();
    }
    await using second = await open({ volumes: [{ path: '/other', name: 'weights' }] });
    expect(await readFile(join(sourceOf(second, '/other'), 'v1/a.bin'), 'utf8')).toBe('first');
    expect(await read('weights', 'v1/a.bin')).toBe('first');
  });

  it('have nothing of a step that failed but what its code has committed', async () => {
    const own = [{ path: '/models', name: 'half', createIfMissing: true as const }];
    {
      await using opened = await open({ volumes: own });
      await writeFile(join(sourceOf(opened, '/models'), 'whole'), 'whole');
      expect(await ask(opened, { act: 'commit', name: 'half' })).toEqual({});
      await writeFile(join(sourceOf(opened, '/models'), 'part'), 'part');
    }
    expect(await read('half', 'whole')).toBe('whole');
    await expect(read('half', 'part')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('say which volumes a step has, and that none is reloaded in one', async () => {
    await using opened = await open({ volumes: [{ path: '/m', name: 'said', createIfMissing: true }] });
    expect(await ask(opened, { act: 'commit', name: 'another' })).toMatchObject({
      error: { code: 'NOT_FOUND', message: 'this step does not have volume "another"' },
    });
    expect(await ask(opened, { act: 'reload', name: 'said', environment: ENVIRONMENT })).toMatchObject({
      error: { code: 'INVALID_ARGUMENT' },
    });
  });

  it('are not there where they do not exist, and are not written where they are read-only', async () => {
    await expect(open({ volumes: [{ path: '/m', name: 'missing' }] })).rejects.toThrow(
      'the step "run fill()" has a volume at "/m": there is no volume "missing"',
    );
    await using opened = await open({
      volumes: [{ path: '/m', name: 'fixed', createIfMissing: true, readOnly: true }],
    });
    expect(opened.mounts[0]).toMatchObject({ target: '/m', writable: false });
    await writeFile(join(sourceOf(opened, '/m'), 'file'), 'not kept');
    await opened.commit();
    await expect(read('fixed', 'file')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.skipIf(noBuckets)(
    `are buckets, too, with credentials of secrets${noBuckets ? ` (${noBuckets})` : ''}`,
    { timeout: 90_000 },
    async () => {
      await using minio = await startMinio();
      const { endpoint, accessKey, secretKey } = minio;
      await mkdir(join(minio.dataDir, 'weights'));
      const secret = { type: 'named' as const, name: 's3' };
      const buckets = [{ path: '/b', bucket: 'weights', keyPrefix: 'v1/', endpoint, secret }];
      const asked: unknown[] = [];
      const openSecrets = async (refs: readonly SecretRef[]) => {
        asked.push(...refs);
        return { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
      };
      await using opened = await open({ buckets }, openSecrets);
      await writeFile(join(sourceOf(opened, '/b'), 'model.bin'), 'in the bucket');
      expect(await readFile(join(sourceOf(opened, '/b'), 'model.bin'), 'utf8')).toBe('in the bucket');
      expect(asked).toEqual([secret]);
      await expect(open({ buckets }, async () => ({}))).rejects.toThrow('has no access key');
    },
  );
});
