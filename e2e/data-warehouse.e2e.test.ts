import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { findBucketProblem } from '@gantry/mounts';
import { minioAvailable, startMinio, temporaryDirectory } from '@gantry/testing';
import { Client, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { build, ingest, missing, months, report } from '../examples/data-warehouse/src/app.ts';
import { fetchHttps, REPOSITORY, runCli, startPlatform, type Platform } from './platform.ts';

const EXAMPLE = join(REPOSITORY, 'examples/data-warehouse');
const ENTRY = 'src/app.ts';
const LIMIT_MS = 300_000;

const noBuckets = findBucketProblem();
if (noBuckets) console.warn(`SKIPPED: data-warehouse, ${noBuckets.message}. ${noBuckets.hint}`);

describe.skipIf(noBuckets || !minioAvailable())('data-warehouse, on a real MinIO', () => {
  const stack = new AsyncDisposableStack();
  let platform: Platform;
  let folder: string;
  let bucket: string;
  let env: Record<string, string>;
  let keys: string[];

  beforeAll(async () => {
    const minio = stack.use(await startMinio());
    bucket = join(minio.dataDir, 'warehouse');
    await mkdir(bucket);
    folder = stack.use(await temporaryDirectory('gantry-warehouse-')).path;
    // Its own blobs and volumes are in the same store.
    const { endpoint, accessKey, secretKey } = minio;
    const store = ['--s3-endpoint', endpoint, '--s3-access-key', accessKey, '--s3-secret-key', secretKey];
    platform = stack.use(await startPlatform({ flags: ['--driver', 'process', ...store] }));
    process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
    stack.defer(() => Client.default().close());
    env = { ...platform.env, WAREHOUSE_S3_URL: endpoint };
    keys = [`AWS_ACCESS_KEY_ID=${accessKey}`, `AWS_SECRET_ACCESS_KEY=${secretKey}`];
    const made = await runCli(['secret', 'create', 'warehouse-s3', ...keys], env);
    expect(made.code, made.stdout + made.stderr).toBe(0);
  }, LIMIT_MS);
  afterAll(() => stack.disposeAsync(), LIMIT_MS);

  async function get(method: string, query: Record<string, string>) {
    const { stdout } = await runCli(['app', 'list', '--json'], env);
    type Listed = { name: string; state: string; functions: { urls: Record<string, string> }[] };
    const app = (JSON.parse(stdout) as Listed[]).find(
      ({ name, state }) => name === 'data-warehouse' && state === 'deployed',
    );
    const urls = app?.functions.flatMap((each) => Object.entries(each.urls)) ?? [];
    const url = urls.find(([name]) => name === method)?.[1] ?? '';
    return fetchHttps({ url: `${url}?${new URLSearchParams(query)}`, caPath: platform.ready.caPath });
  }

  const find = <T extends object>(name: string) => RemoteFunction.fromName<T>('data-warehouse', name);

  test(
    'fills the bucket from many containers, makes tables and a site of it, and draws a chart',
    async () => {
      const out = join(folder, 'zones.svg');

      const ran = await runCli(['run', `${ENTRY}::main`, '--per-day', '50', '--out', out], env, EXAMPLE);

      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      const lines = ran.stdout.trim().split('\n');
      expect(lines.slice(0, 2).map((line) => line.split(',')[0])).toEqual([
        '2026-01: 1550 trips',
        '2026-02: 1400 trips',
      ]);
      expect(lines.slice(12)).toEqual([
        'daily: 1460 rows',
        'zones: 4 rows',
        'busiest: 4 rows',
        'site: site/busiest.html site/daily.html site/index.html site/zones.html',
      ]);
      expect(await readFile(out, 'utf8')).toMatch(/^<svg .*>(airport|centre|harbour|university)<\/text>/);
    },
    LIMIT_MS,
  );

  test(
    'deployed, shows what was built last, and lets queries read the tables alone',
    async () => {
      const deployed = await runCli(['deploy', ENTRY], env, EXAMPLE);
      expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
      const sql = 'select sum(trips)::integer as trips from daily';
      const before = await get('query', { sql });
      expect(JSON.parse(before.body), before.body).toEqual({ rows: [{ trips: 18_250 }] });

      expect(await find<typeof ingest>('ingest').remote('2027-01', 100)).toBe(3_100);
      expect(await find<typeof months>('months').remote()).toHaveLength(13);
      expect(await find<typeof build>('build').remote()).toMatchObject({ zones: 4 });

      const after = await get('query', { sql });
      expect(JSON.parse(after.body), after.body).toEqual({ rows: [{ trips: 21_350 }] });
      for (const bad of [
        'drop table daily',
        "from read_text('/etc/hostname')",
        'set lock_configuration = false',
      ]) {
        expect(await get('query', { sql: bad }), bad).toMatchObject({ status: 400 });
      }
      expect((await get('site', { page: 'zones' })).body).toContain('<a href="?page=daily">daily</a>');
      expect(await get('site', { page: '../warehouse' })).toMatchObject({ status: 404 });
      expect(await find<typeof report>('report').remote()).toMatch(
        /^Busiest days\nairport: 202\d-\d\d-\d\d\n[^]*\nof warehouse at http:/,
      );
      const asked = await get('ask', { question: 'What does a zone bring in?' });
      expect(JSON.parse(asked.body), asked.body).toMatchObject({
        answers: [{ page: 'zones', text: 'What each zone brings in.' }, {}, {}],
      });
    },
    LIMIT_MS,
  );

  test(
    'in another environment has a secret and a bucket of its own, and asks the first one what is there',
    async () => {
      const dev = { ...env, WAREHOUSE_BUCKET: 'warehouse-dev' };
      await mkdir(join(dirname(bucket), 'warehouse-dev'));
      await runCli(['environment', 'create', 'dev'], dev);
      const refused = await runCli(['deploy', ENTRY, '--env', 'dev'], dev, EXAMPLE);
      expect(refused.code).not.toBe(0);
      expect(refused.stdout + refused.stderr).toContain(
        'there is no secret "warehouse-s3" in environment "dev"',
      );

      const made = await runCli(['secret', 'create', 'warehouse-s3', '--env', 'dev', ...keys], dev);
      expect(made.code, made.stdout + made.stderr).toBe(0);
      const deployed = await runCli(['deploy', ENTRY, '--env', 'dev'], dev, EXAMPLE);
      expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
      const inDev = <T extends object>(name: string) =>
        RemoteFunction.fromName<T>('data-warehouse', name, { environment: 'dev' });
      expect(await inDev<typeof missing>('missing').remote()).toHaveLength(13);
      expect(await inDev<typeof ingest>('ingest').remote('2026-01', 1)).toBe(31);
      // Its mount of the bucket looks for names that others made once a second.
      await expect
        .poll(() => inDev<typeof missing>('missing').remote(), { timeout: 60_000 })
        .not.toContain('2026-01');
      expect(await find<typeof missing>('missing').remote()).toEqual([]);
    },
    LIMIT_MS,
  );
});
