import { readFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, test } from 'vitest';

import { createBuilder } from './index.ts';
import { aProject, HEAD, manifestOf } from './project.fixture.ts';

describe('functions and classes', () => {
  test('have the volumes of the app and their own, each at its path', async () => {
    const manifest = await manifestOf(`
import { Volume } from 'gantry';
const data = Volume.fromName('data', { createIfMissing: true });
const app2 = new App('two', { volumes: { '/data/': data, cache: Volume.fromName('cache') } });
export const f = app2.function(
  { volumes: { cache: data.withMountOptions({ readOnly: true, subPath: '/a//b/' }) } },
  async () => 1,
);
app.include(app2);`);

    expect(manifest.functions[0]?.options.volumes).toEqual([
      { path: '/data', name: 'data', createIfMissing: true },
      { path: 'cache', name: 'data', createIfMissing: true, readOnly: true, subPath: 'a/b' },
    ]);
  });

  test('have buckets of S3 stores beside volumes, with secrets by their names', async () => {
    const manifest = await manifestOf(`
import { CloudBucketMount, Secret, Volume } from 'gantry';
const options = { bucketEndpointUrl: 'http://localhost:9000', keyPrefix: 'raw/', readOnly: true };
const raw = new CloudBucketMount('trips', { ...options, secret: Secret.fromName('s3') });
const app2 = new App('two', { volumes: { '/raw/': raw } });
export const f = app2.function(
  { volumes: { out: new CloudBucketMount('results'), data: Volume.fromName('data') } },
  async () => 1,
);
app.include(app2);`);

    expect(manifest.functions[0]?.options).toEqual({
      volumes: [{ path: 'data', name: 'data' }],
      buckets: [
        {
          ...{ path: '/raw', bucket: 'trips', endpoint: 'http://localhost:9000', keyPrefix: 'raw/' },
          ...{ secret: { type: 'named', name: 's3' }, readOnly: true },
        },
        { path: 'out', bucket: 'results' },
      ],
    });
  });

  test('a class carries its parameters, hooks, methods and options', async () => {
    const manifest = await manifestOf(`
/** Reads pages. */
@app.cls({ retries: 2, env: { B: '2', A: '1' } })
@concurrent({ maxInputs: 8, targetInputs: 4 })
export class Ocr {
  /** Language of the text. */
  @parameter() lang: string = 'eng';
  @parameter() key!: Uint8Array;
  @enter({ snap: true }) load() {}
  @exit() close() {}
  @method() *words(text: string) { yield* text.split(' '); }
  @fastapiEndpoint({ method: 'POST', docs: true, label: 'scan' }) scan(pages: number) { return pages; }
}`);

    expect(manifest.functions[0]).toEqual({
      name: 'Ocr',
      kind: 'class',
      doc: 'Reads pages.',
      site: { file: 'src/app.ts', line: 5 },
      options: {
        retries: { maxRetries: 2, initialDelayMs: 1000, backoffCoefficient: 1, maxDelayMs: 60_000 },
        maxInputs: 8,
        targetInputs: 4,
        env: { A: '1', B: '2' },
      },
      parameters: [
        {
          name: 'lang',
          type: { type: 'string' },
          optional: true,
          defaultValue: 'eng',
          doc: 'Language of the text.',
        },
        { name: 'key', type: { type: 'bytes' }, optional: false },
      ],
      hooks: { enter: [{ name: 'load', snap: true }], exit: [{ name: 'close' }] },
      methods: [
        {
          name: 'words',
          handlerKind: 'generator',
          callable: true,
          params: [{ name: 'text', type: { type: 'string' }, optional: false }],
          signature: '(text: string) => AsyncGenerator<string, void>',
          site: { file: 'src/app.ts', line: 13 },
        },
        {
          name: 'scan',
          handlerKind: 'sync',
          callable: false,
          params: [{ name: 'pages', type: { type: 'number' }, optional: false }],
          web: {
            ...{ type: 'endpoint', method: 'POST', docs: true, label: 'scan' },
            response: { contentType: 'application/json', schema: { type: 'number' } },
          },
          site: { file: 'src/app.ts', line: 14 },
        },
      ],
    });
  });

  test.each([
    ['() => 1', 'sync'],
    ['async () => 1', 'async'],
    ['function* () { yield 1; }', 'generator'],
    ['async function* () { yield 1; }', 'asyncGenerator'],
    ['(): Promise<number> => Promise.resolve(1)', 'async'],
    ['(): AsyncGenerator<number> => source()', 'asyncGenerator'],
  ])('%s is %s', async (fn, kind) => {
    const manifest = await manifestOf(
      `async function* source() { yield 1; }\nexport const run = app.function(${fn});\nexport { source };`,
    );

    expect(manifest.functions[0]?.methods[0]?.handlerKind).toBe(kind);
  });

  test('a retry policy is written out with its defaults', async () => {
    const manifest = await manifestOf(
      'export const run = app.function({ retries: { maxRetries: 3 } }, () => 1);',
    );

    expect(manifest.functions[0]?.options.retries).toEqual({
      maxRetries: 3,
      initialDelayMs: 1000,
      backoffCoefficient: 2,
      maxDelayMs: 60_000,
    });
  });

  test('options are what they are where the build runs, which is local: containers do not change them', async () => {
    const manifest = await manifestOf(
      "import { isLocal } from 'gantry';\nexport const f = app.function({ env: isLocal() ? { SIDE: 'built' } : {} }, async () => 1);",
    );

    expect(manifest.functions[0]?.options).toMatchObject({ env: { SIDE: 'built' } });
  });

  test('an app is described by what it says of itself, and without a name else by its entry file', async () => {
    const descriptionOf = async (source: string) => {
      await using project = await aProject({ 'src/app.ts': `import { App } from 'gantry';\n${source}` });
      return (await project.build()).manifest.description;
    };

    expect(await descriptionOf("export const app = new App('shop');")).toBeUndefined();
    expect(await descriptionOf('export const app = new App();')).toBe('app.ts');
    expect(await descriptionOf("export const app = new App();\napp.setDescription('sells');")).toBe('sells');
  });

  test('apps of several files join through include', async () => {
    const other =
      "import { App } from 'gantry';\nexport const app = new App('mail');\nexport const send = app.function(async (to: string) => to);";
    const manifest = await manifestOf("import { app as mail } from './mail.ts';\napp.include(mail);", {
      'src/mail.ts': other,
    });

    expect(manifest.appName).toBe('shop');
    expect(manifest.functions).toMatchObject([{ name: 'send', site: { file: 'src/mail.ts', line: 3 } }]);
  });
});

describe('the bundle', () => {
  test('carries the decorator metadata that class-validator and tsyringe need', async () => {
    await using project = await aProject({
      'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": false } }',
      'src/app.ts': `${HEAD}export class Body {}
@app.cls()
export class Cart { @method() fill(body: Body, n: number) { return [body, n]; } }
export const types = () => Reflect.getMetadata('design:paramtypes', Cart.prototype, 'fill');`,
    });
    const { files } = await project.build();

    const bundle = (await import(pathToFileURL(files.bundle).href)) as { Body: unknown; types(): unknown };

    expect(bundle.types()).toEqual([bundle.Body, Number]);
  });

  test('costs a container that loads it little: one byte a letter, and no module of Node that it need not load', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}export const run = app.function(async () => 1);`,
    });
    const { files } = await project.build();

    const code = await readFile(files.bundle, 'utf8');
    // A single letter beyond Latin-1, also in a message of the SDK, makes V8 hold all of it in two bytes each.
    expect(/.*[^\0-\xff].*/.exec(code)?.[0]).toBeUndefined();
    // To import one of these is to load all that it exports.
    expect(code).not.toMatch(/from "(node:)?(util|crypto|http|stream)"/);
  });

  test('maps back to the lines of the sources', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}\nexport const run = app.function({ cpu: 1 }, async () => {\n  throw new Error('marker');\n});`,
    });
    const { files } = await project.build();
    const lines = (await readFile(files.bundle, 'utf8')).split('\n');
    const line = lines.findIndex((text) => text.includes('marker'));
    const map = new SourceMap(JSON.parse(await readFile(files.sourceMap, 'utf8')));

    const origin = map.findEntry(line, lines[line]?.indexOf('throw') ?? 0);

    expect(origin).toMatchObject({ originalSource: 'src/app.ts', originalLine: 4 });
  });

  test('the same sources in another folder give the same bytes', async () => {
    const files = {
      'src/app.ts': `${HEAD}import { Item } from './item.ts';\nexport const run = app.function((item: Item) => item.sku);`,
      'src/item.ts':
        "import { IsString } from 'class-validator';\nexport class Item { @IsString() sku!: string }",
    };
    await using one = await aProject(files);
    await using two = await aProject(files);

    await Promise.all([one.build(), two.build()]);

    for (const name of ['manifest.json', 'bundle.mjs', 'bundle.mjs.map']) {
      const [left, right] = await Promise.all(
        [one, two].map(({ outDir }) => readFile(join(outDir, name), 'utf8')),
      );
      expect(left).toBe(right);
      expect(left).not.toContain(one.root);
    }
  });
});

describe('a mistake', () => {
  test.each([
    ['const broken = ;', '> 1 | const broken = ;\n    |                ^'],
    [
      "import { x } from './nowhere.ts';\nx();",
      "> 1 | import { x } from './nowhere.ts';\n    |                   ^\n  2 | x();",
    ],
    [
      '\nexport const x = (undefined as any).y;',
      '  1 |\n> 2 | export const x = (undefined as any).y;\n    |                                     ^',
    ],
  ])('is shown in its source: %s', async (text, frame) => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}import './part.ts';`,
      'src/part.ts': text,
    });

    const { details } = await project.mistake();

    expect(details['mistakes']).toMatchObject([{ file: 'src/part.ts', frame }]);
  });
});

describe('building again', () => {
  test('sees what changed, names the files to watch, and gives what a fresh build gives', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}import { rate } from './rate.ts';\nimport type { Order } from './order.ts';\nexport const run = app.function((order: Order) => [order, rate]);`,
      'src/rate.ts': 'export const rate = 1;',
      'src/order.ts': 'export interface Order { id: string }',
    });
    const builder = createBuilder({ entry: 'src/app.ts', outDir: project.outDir, projectRoot: project.root });
    const first = await builder.build();
    await project.write({ 'src/order.ts': 'export interface Order { id: string; count: number }' });

    const second = await builder.build();

    const expected = ['app.ts', 'order.ts', 'rate.ts'].map((file) => join(project.root, 'src', file));
    expect(first.watchFiles).toEqual(expected);
    expect(builder.watchFiles).toEqual(expected);
    expect(second.manifest.functions[0]?.methods[0]?.params[0]?.type).toMatchObject({
      fields: [{ name: 'id' }, { name: 'count' }],
    });
    expect(second.manifest).toEqual((await project.build()).manifest);
  });

  test('a failed build still names the files to watch, and the next one succeeds', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}import './part.ts';`,
      'src/part.ts': 'const broken = ;',
    });
    const builder = createBuilder({ entry: 'src/app.ts', outDir: project.outDir, projectRoot: project.root });

    await expect(builder.build()).rejects.toThrow('src/part.ts:1: syntax error');
    expect(builder.watchFiles).toEqual([join(project.root, 'src/app.ts'), join(project.root, 'src/part.ts')]);
    await project.write({ 'src/part.ts': "import './missing';" });
    await expect(builder.build()).rejects.toThrow('leads to no file');
    expect(builder.watchFiles).toContain(join(project.root, 'src/missing.ts'));
    await project.write({ 'src/missing.ts': 'export {};' });

    await expect(builder.build()).resolves.toMatchObject({ manifest: { appName: 'shop' } });
  });
});
