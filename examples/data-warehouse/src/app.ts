import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile, copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  App,
  CloudBucketMount,
  Cron,
  fastapiEndpoint,
  Image,
  Period,
  RemoteFunction,
  Secret,
  Volume,
} from 'gantry';

import { rowsOf, withDatabase, type Row } from './duck.ts';
import { compiled, inOrder, readModels } from './models.ts';
import { barChart, pagesOf, type ModelPage } from './pages.ts';
import { type Passage, passagesOf, search } from './search.ts';
import { tripsOf } from './trips.ts';

export const app = new App('data-warehouse', { cpu: 0.5, memoryMiB: 512 });

/** Any S3 store; which one, and which bucket, is said where the app is deployed from. */
const BUCKET = process.env['WAREHOUSE_BUCKET'] ?? 'warehouse';
const STORE = {
  bucketEndpointUrl: process.env['WAREHOUSE_S3_URL'] ?? 'http://127.0.0.1:9000',
  // Each environment has its own secret of this name.
  secret: Secret.fromName('warehouse-s3', { requiredKeys: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] }),
};
const lake = new CloudBucketMount(BUCKET, STORE);
const raw = new CloudBucketMount(BUCKET, { ...STORE, keyPrefix: 'raw/', readOnly: true });

/** What is made of the raw data: a database and a site about it. */
const warehouse = Volume.fromName('warehouse', { createIfMissing: true });
const DATABASE = 'warehouse/warehouse.duckdb';
const PASSAGES = 'warehouse/passages.json';

/** The tables, as SQL files. */
const withModels = Image.debianSlim().addLocalDir('models', 'models');

/** Writes the trips of one month into the bucket, as Parquet. Resolves to how many there are. */
export const ingest = app.function(
  { volumes: { lake }, maxContainers: 4, retries: 2 },
  async (month: string, perDay: number = 500): Promise<number> => {
    await mkdir('lake/raw', { recursive: true });
    const file = `lake/raw/trips-${month}.parquet`;
    return withDatabase(':memory:', async (connection) => {
      await connection.run(`copy (${tripsOf(month, perDay)}) to '${file}' (format parquet)`);
      const [counted] = await rowsOf(connection, `select count(*)::integer as trips from '${file}'`);
      return Number(counted?.['trips']);
    });
  },
);

/** Months that are in the bucket. */
export const months = app.function({ volumes: { raw } }, monthsOfBucket);

async function monthsOfBucket(): Promise<string[]> {
  const names = await readdir('raw').catch(() => []);
  return names.flatMap((name) => /^trips-(.+)\.parquet$/.exec(name)?.[1] ?? []).sort();
}

/** Months that the environment `main` has, and the one in which this runs has not. */
export const missing = app.function({ volumes: { raw } }, async (): Promise<string[]> => {
  const ofMain = RemoteFunction.fromName<typeof months>('data-warehouse', 'months', { environment: 'main' });
  const own = new Set(await monthsOfBucket());
  return (await ofMain.remote()).filter((month) => !own.has(month));
});

/** What one file of the bucket says: as many containers as there is room for look into one each. */
export const summarise = app.function(
  { volumes: { raw }, maxContainers: 4, retries: 2 },
  async (month: string): Promise<Row> =>
    withDatabase(':memory:', async (connection) => {
      const sql = `select '${month}' as month, count(*)::integer as trips, sum(fare_cents)::integer as cents`;
      const [row = {}] = await rowsOf(connection, `${sql} from 'raw/trips-${month}.parquet'`);
      return row;
    }),
);

/** Makes all tables, and the site about them; every night, and when it is called. */
export const build = app.function(
  {
    volumes: { raw, warehouse },
    image: withModels,
    retries: 2,
    maxContainers: 1,
    schedule: new Period({ days: 1 }),
  },
  async (): Promise<Record<string, number>> => {
    // A database changes its file everywhere: it is made on this machine's disk, and copied when it is done.
    const folder = await mkdtemp(join(tmpdir(), 'warehouse-'));
    try {
      const made = join(folder, 'made.duckdb');
      const pages = await withDatabase(made, makeTables);
      await copyFile(made, `${DATABASE}.part`);
      await rename(`${DATABASE}.part`, DATABASE);
      await mkdir('warehouse/site', { recursive: true });
      for (const [name, html] of pagesOf(pages)) await writeFile(`warehouse/site/${name}`, html);
      await writeFile(PASSAGES, JSON.stringify(passagesOf(pages)));
      await warehouse.commit();
      return Object.fromEntries(pages.map(({ model, rows }) => [model.name, rows]));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

async function makeTables(connection: Parameters<typeof rowsOf>[0]): Promise<ModelPage[]> {
  const pages: ModelPage[] = [];
  for (const model of inOrder(await readModels('models'))) {
    await connection.run(
      `create table ${model.name} as ${compiled(model, { trips: "'raw/trips-*.parquet'" })}`,
    );
    const [counted] = await rowsOf(connection, `select count(*)::integer as rows from ${model.name}`);
    const sample = await rowsOf(connection, `from ${model.name} order by all limit 5`);
    pages.push({ model, rows: Number(counted?.['rows']), sample });
  }
  return pages;
}

/** What the zones bring in, as a picture. */
export const chart = app.function({ volumes: { warehouse } }, async (): Promise<Uint8Array> => {
  const rows = await select('select zone, revenue_cents from zones order by revenue_cents desc');
  const bars = rows.map((row) => ({ label: String(row['zone']), value: Number(row['revenue_cents']) }));
  return new TextEncoder().encode(barChart(bars));
});

/** On Monday mornings, where the office is; its output is in the logs of the app. */
export const report = app.function(
  {
    volumes: { warehouse },
    schedule: new Cron('0 7 * * 1', { timeZone: 'Europe/Berlin' }),
    // Of what has one name, the later one counts.
    secrets: [
      Secret.fromObject({ REPORT_TITLE: 'Report' }),
      Secret.fromDotenv(undefined, { filename: 'warehouse.env' }),
      Secret.fromLocalEnviron(['WAREHOUSE_S3_URL']),
    ],
  },
  async (): Promise<string> => {
    const rows = await select('from busiest order by zone');
    const lines = rows.map((row) => `${String(row['zone'])}: ${String(row['busiest_day'])}`);
    const { REPORT_TITLE = '', WAREHOUSE_S3_URL = '' } = process.env;
    const text = [REPORT_TITLE, ...lines, `of ${BUCKET} at ${WAREHOUSE_S3_URL}`].join('\n');
    console.log(text);
    return text;
  },
);

/** Whoever has the address may look at the tables. */
@app.cls({ volumes: { warehouse } })
export class Explorer {
  /** Answers a query, from what was built last. It can read the tables, and nothing else. */
  @fastapiEndpoint({ docs: true })
  async query(sql: string): Promise<Response> {
    await warehouse.reload();
    try {
      return Response.json({ rows: await select(sql) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return Response.json({ error: message }, { status: 400 });
    }
  }

  /** Finds what the site says about a question. */
  @fastapiEndpoint({ docs: true })
  async ask(question: string): Promise<Response> {
    await warehouse.reload();
    const passages = JSON.parse(await readFile(PASSAGES, 'utf8').catch(() => '[]')) as Passage[];
    return Response.json({ answers: search(passages, question) });
  }

  /** The site about the tables. */
  @fastapiEndpoint()
  async site(page: string = 'index'): Promise<Response> {
    await warehouse.reload();
    const html = /^\w+$/.test(page)
      ? await readFile(`warehouse/site/${page}.html`).catch(() => undefined)
      : undefined;
    if (!html) return new Response('There is no such page.\n', { status: 404 });
    return new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8' } });
  }
}

function select(sql: string): Promise<Row[]> {
  return withDatabase(
    DATABASE,
    async (connection) => {
      // What a query may do must not depend on the query.
      await connection.run('set enable_external_access = false');
      await connection.run('set lock_configuration = true');
      return await rowsOf(connection, sql, 100);
    },
    { access_mode: 'READ_ONLY' },
  );
}

/** Fills the bucket, builds the warehouse and shows what is in it. */
export const main = app.localEntrypoint(
  async (year: number = 2026, perDay: number = 500, out: string = '') => {
    const names = Array.from({ length: 12 }, (_, month) => `${year}-${String(month + 1).padStart(2, '0')}`);
    for await (const _ of ingest.starmap(names.map((name): [string, number] => [name, perDay]))) void _;
    for await (const row of summarise.map(names)) {
      console.log(
        `${String(row['month'])}: ${Number(row['trips'])} trips, ${Number(row['cents']) / 100} EUR`,
      );
    }
    for (const [table, rows] of Object.entries(await build.remote())) console.log(`${table}: ${rows} rows`);
    const files = await warehouse.listdir('/site');
    console.log(`site: ${files.map(({ path }) => path).join(' ')}`);
    if (out !== '') await writeFile(out, await chart.remote());
  },
);
