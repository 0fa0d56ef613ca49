import { AuthError, InternalFailure } from '@gantry/protocol';
import { minioAvailable, startMinio, type TestMinio } from '@gantry/testing';
import { Client } from 'minio';
import { describe, expect, test } from 'vitest';
import { blobStoreContract } from './blob-store.contract.ts';
import type { S3BlobStoreConfig } from './config.ts';
import { openBlobStore } from './open-blob-store.ts';

describe.skipIf(!minioAvailable())('against a real MinIO (skipped only without the minio program)', () => {
  blobStoreContract('S3', async () => {
    const minio = await startMinio();
    const client = clientOf(minio);
    return {
      store: await openBlobStore(configOf(minio)),
      damage: async (digest) => {
        await client.putObject('blobs', keyOf(digest), Buffer.from('something else'));
      },
      [Symbol.asyncDispose]: () => minio.stop(),
    };
  });

  test('a large upload that fails leaves no parts behind', async () => {
    await using minio = await startMinio();
    const store = await openBlobStore(configOf(minio));
    const digest = `sha256-${'0'.repeat(64)}`;

    await expect(store.put(digest, zeros(20))).rejects.toThrow('has the digest');

    expect(await clientOf(minio).findUploadId('blobs', keyOf(digest))).toBeUndefined();
  });

  test('several processes may open a store whose bucket does not exist yet', async () => {
    await using minio = await startMinio();

    const stores = await Promise.all([1, 2, 3].map(() => openBlobStore(configOf(minio))));

    expect(stores).toHaveLength(3);
  });

  test('work goes on while the store restarts', async () => {
    await using minio = await startMinio();
    const store = await openBlobStore(configOf(minio));
    minio.kill();

    const [stored] = await Promise.all([store.putBytes(Buffer.from('patient')), minio.restart()]);

    expect(Buffer.from(await store.getBytes(stored.digest)).toString()).toBe('patient');
  });

  test('wrong credentials are named as such', async () => {
    await using minio = await startMinio();

    const opening = openBlobStore({ ...configOf(minio), secretKey: 'wrong-secret' });

    await expect(opening).rejects.toBeInstanceOf(AuthError);
  });

  test('a store that is gone is an error that may be tried again', async () => {
    const minio = await startMinio();
    const store = await openBlobStore(configOf(minio));
    await minio.stop();

    await expect(store.putBytes(Buffer.from('lost'))).rejects.toBeInstanceOf(InternalFailure);
  });
});

function configOf(minio: TestMinio): S3BlobStoreConfig {
  const { endpoint, accessKey, secretKey } = minio;
  return { type: 's3', endpoint, accessKey, secretKey, bucket: 'blobs' };
}

function clientOf(minio: TestMinio): Client {
  const { hostname, port } = new URL(minio.endpoint);
  const { accessKey, secretKey } = minio;
  return new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
}

function keyOf(digest: string): string {
  return `${digest.slice(7, 9)}/${digest.slice(9, 11)}/${digest}`;
}

async function* zeros(mebibytes: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < mebibytes; index++) yield new Uint8Array(1024 * 1024);
}
