import { expect, test } from 'vitest';
import { minioAvailable, startMinio } from './minio.ts';

test.skipIf(!minioAvailable())(
  'a started MinIO is healthy, also after a restart (skipped only without the minio program)',
  async () => {
    await using minio = await startMinio();
    const firstPid = minio.pid;

    minio.kill();
    await minio.restart();
    const reply = await fetch(`${minio.endpoint}/minio/health/live`);

    expect(reply.status).toBe(200);
    expect(minio.pid).not.toBe(firstPid);
  },
);
