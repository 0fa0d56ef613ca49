import { dirname, join } from 'node:path';
import { writeFile } from 'node:fs/promises';

import { openBlobStore } from '@gantry/blobs';
import { findRuncProblem } from '@gantry/containers';
import { findBucketProblem } from '@gantry/mounts';
import { newId, type BucketMountSpec, type FunctionRecord } from '@gantry/protocol';
import { IdentityKeys, KeyRing, SealingKeys, SecretStore } from '@gantry/secrets';
import {
  ANY_ENVIRONMENT,
  minioAvailable,
  startMinio,
  temporaryDirectory,
  waitUntil,
  type TemporaryDirectory,
  type TestMinio,
} from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DriverName } from './driver-choice.ts';
import { startIssuer, type TestIssuer } from './issuer.fixture.ts';
import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const noBuckets = findBucketProblem();
if (noBuckets) console.warn(`SKIPPED: buckets in containers, ${noBuckets.message}. ${noBuckets.hint}`);
const noRunc = findRuncProblem();
if (noRunc) console.warn(`SKIPPED: buckets in runc containers, ${noRunc.message}`);
const drivers: { driver: DriverName; root: string }[] = [
  { driver: 'process', root: '' },
  ...(noRunc ? [] : [{ driver: 'runc' as const, root: '/' }]),
];
const KEY = KeyRing.newKey();
const LONG = { timeout: 120_000 };
const FILES = `{ kind: 'function', name: 'files', fn: async (act, path, text = '') => {
  const fs = await import('node:fs');
  if (act === 'env') return JSON.stringify(process.env);
  if (act === 'list') return fs.readdirSync(path);
  if (act === 'read') return fs.readFileSync(path, 'utf8');
  if (act === 'write') return fs.writeFileSync(path, text);
} }`;

describe.skipIf(noBuckets || !minioAvailable()).each(drivers)(
  'buckets in $driver containers',
  ({ driver, root }) => {
    let folder: TemporaryDirectory;
    let platform: WorkerUnderTest;
    let minio: TestMinio;
    let issuer: TestIssuer;

    beforeAll(async () => {
      folder = await temporaryDirectory('gantry-runner-');
      issuer = await startIssuer();
      minio = await startMinio({ env: issuer.minioEnv });
      const { endpoint, accessKey, secretKey } = minio;
      await openBlobStore({ type: 's3', endpoint, accessKey, secretKey, bucket: 'trips' });
      const runner = await bundleRunner(join(folder.path, 'runner'));
      platform = await WorkerUnderTest.start(runner, { driver });
      const blobs = platform.blobConfig.type === 'disk' ? platform.blobConfig.path : '';
      await writeFile(join(dirname(blobs), 'secrets.key'), KEY);
      const keys = new SealingKeys({ dataDir: folder.path, key: KEY });
      const { registry } = platform.messaging;
      const store = new SecretStore({ registry, keys, environments: ANY_ENVIRONMENT });
      issuer.publish(registry);
      await new IdentityKeys(registry, keys).prepare(issuer.url);
      const values = { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
      await store.save({ environment: 'main', name: 's3', values });
      const wrong = { ...values, AWS_SECRET_ACCESS_KEY: 'wrong-secret' };
      await store.save({ environment: 'main', name: 'wrong', values: wrong });
    }, 120_000);
    afterAll(async () => {
      await platform?.[Symbol.asyncDispose]();
      await minio?.stop();
      await issuer?.close();
      await folder?.remove();
    }, 120_000);

    const deploy = (...mounts: Partial<BucketMountSpec>[]): Promise<FunctionRecord> => {
      const secret = { type: 'named' as const, name: 's3' };
      const buckets = mounts.map((mount) => ({
        ...{ path: `${root}data/all`, bucket: 'trips', endpoint: minio.endpoint, secret },
        ...mount,
      }));
      return platform.deploy(FILES, { buckets });
    };

    async function start(record: FunctionRecord) {
      const containerId = await platform.startContainer(record);
      const act = async (...args: unknown[]) => (await platform.submit(record, '', [args])).value();
      return { containerId, act };
    }

    it(
      'are directories: what one container writes is an object, and another one reads it',
      LONG,
      async () => {
        const writer = await start(await deploy({}));
        const mounts = [{}, { path: `${root}data/raw`, keyPrefix: 'raw/', readOnly: true as const }];
        await writer.act('write', `${root}data/all/raw.txt`, 'beside');
        const reader = await start(await deploy(...mounts));
        await expect(writer.act('write', `${root}data/all/raw/missing.txt`, 'a')).rejects.toThrow('ENOENT');
        await expect(reader.act('write', `${root}data/raw/b.txt`, 'b')).rejects.toThrow('EROFS');
        expect(await reader.act('list', `${root}data/all`)).toEqual(['raw.txt']);
        expect(await reader.act('read', `${root}data/all/raw.txt`)).toBe('beside');
        expect(await reader.act('list', `${root}data/raw`)).toEqual([]);
      },
    );

    it('have credentials that the code does not see', LONG, async () => {
      const { act } = await start(await deploy({}));
      const env = (await act('env', '')) as string;
      expect(env).toContain('GANTRY_CONTAINER_ID');
      expect(env).not.toContain(minio.secretKey);
    });

    it('are opened by a role that the store gives to the identity of the container', LONG, async () => {
      const role = { secret: undefined, roleArn: issuer.roleArn };
      const { act } = await start(await deploy(role));
      await act('write', `${root}data/all/by-role.txt`, 'by role');
      expect(await act('read', `${root}data/all/by-role.txt`)).toBe('by role');
    });

    it.each<[string, Partial<BucketMountSpec>]>([
      ['does not give role', { secret: undefined, roleArn: 'arn:minio:iam:::role/another' }],
      ['refuses the credentials', { secret: { type: 'named', name: 'wrong' } }],
      ['there is no bucket "no-trips"', { bucket: 'no-trips' }],
      ['there is no secret "missing"', { secret: { type: 'named', name: 'missing' } }],
    ])('that cannot be used are said to be so by the start: %s', LONG, async (message, mount) => {
      const record = await deploy(mount);
      const containerId = newId('ta');
      await platform.command({
        ...{ type: 'start', fence: 1, containerId, pool: record.id, parameters: {}, record },
      });
      await waitUntil(() => platform.container(containerId)?.state === 'stopped', { timeoutMs: 60_000 });
      expect(platform.container(containerId)?.exit?.message).toContain(message);
    });
  },
);
