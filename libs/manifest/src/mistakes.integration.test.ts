import { describe, expect, test } from 'vitest';

import { createBuilder } from './index.ts';
import { HEAD, messageOf } from './mistakes.fixture.ts';
import { aProject } from './project.fixture.ts';

describe('mistakes in registrations', () => {
  test('an option out of range is reported at the line of the registration', async () => {
    const { message } = await messageOf(
      '\nexport const pay = app.function({ timeoutMs: 1 }, async () => 1);',
    );

    expect(message).toBe(
      'src/app.ts:4: function "pay": timeoutMs must be a number from 10 to 86400000, not 1',
    );
  });

  test('two functions of one name are refused', async () => {
    const { message } = await messageOf(
      'export const pay = app.function(async () => 1);\nexport const other = app.function({ name: "pay" }, async () => 2);',
    );

    expect(message).toBe('src/app.ts:4: the app "shop" registers "pay" twice');
  });

  test('two entrypoints of one name are refused', async () => {
    const { message } = await messageOf(
      'export const main = app.localEntrypoint(async () => 1);\nexport const other = app.localEntrypoint({ name: "main" }, async () => 2);',
    );

    expect(message).toBe('src/app.ts:4: the name "main" is taken by src/app.ts:3');
  });

  test('a function without a name is refused', async () => {
    const { message, hint } = await messageOf('app.function(async () => 1);');

    expect(message).toBe('src/app.ts:3: this function has no name');
    expect(hint).toBe('Assign it to a constant, or set the option `name`.');
  });

  test('an endpoint with two bodies is refused', async () => {
    const { message, hint } = await messageOf(
      'class Order { id!: string }\nclass Coupon { code!: string }\n@app.cls()\nexport class Cart {\n' +
        "  @fastapiEndpoint({ method: 'POST' }) pay(order: Order, coupon: Coupon) { return [order, coupon]; }\n}",
    );

    expect(message).toBe('src/app.ts:7: the endpoint "Cart.pay" takes 2 bodies, "order" and "coupon"');
    expect(hint).toBe('A request has one body: put all fields into one class.');
  });

  test.each([
    [
      "path: '/items/:id'",
      'item: string',
      'takes "id" from the path "/items/:id", and has no such parameter',
    ],
    [
      "headers: { token: 'X-T' }",
      'key: string',
      'takes "token" from the header "X-T", and has no such parameter',
    ],
    ["path: '/:ids'", 'ids: string[]', 'takes "ids" from the path "/:ids", which holds only text'],
  ])('an endpoint with { %s } and ( %s ) is refused', async (options, params, what) => {
    const { message } = await messageOf(
      `export const page = app.function(fastapiEndpoint({ ${options} }, async (${params}) => 1));`,
    );

    expect(message).toBe(`src/app.ts:3: the endpoint "page" ${what}`);
  });

  test('parameters of what makes a web app are refused, also with a default', async () => {
    const { message, hint } = await messageOf(
      "@app.cls()\nexport class Site {\n  @webServer(8000) start(folder = '/srv') { return folder; }\n}",
    );

    expect(message).toBe('src/app.ts:5: "Site.start" makes a web app and takes parameters');
    expect(hint).toContain('use parameters of a class');
  });
});

describe('mistakes in entries', () => {
  test('an entry that does not exist is refused', async () => {
    await using project = await aProject({});

    const { message } = await project.mistake('src/nope.ts');

    expect(message).toBe('src/nope.ts: the entry file does not exist');
  });

  test('an entry without an app is refused', async () => {
    await using project = await aProject({ 'src/app.ts': 'export const answer = 42;' });

    const { message, hint } = await project.mistake();

    expect(message).toBe('src/app.ts: no app is made here');
    expect(hint).toBe('Write: export const app = new App("my-app");');
  });

  test('two apps of which none is called "app" are refused', async () => {
    const source =
      "import { App } from 'gantry';\nexport const one = new App('one');\nexport const two = new App('two');";
    await using project = await aProject({ 'src/app.ts': source });

    const { message } = await project.mistake();

    expect(message).toBe('src/app.ts: 2 apps are made here, "one" and "two", and none is exported as "app"');
  });

  test('of several apps, the export "app" counts, then the default export', async () => {
    const head = "import { App } from 'gantry';\nconst one = new App('one');\nconst two = new App('two');\n";
    await using project = await aProject({
      'src/named.ts': `${head}export { one as default, two as app };`,
      'src/default.ts': `${head}export { one as default, two };`,
    });

    expect((await project.build('src/named.ts')).manifest.appName).toBe('two');
    expect((await project.build('src/default.ts')).manifest.appName).toBe('one');
  });

  test('of several apps, also nameless ones, the export that is asked for counts', async () => {
    const head =
      "import { App } from 'gantry';\nexport const one = new App();\nexport const app = new App();\n";
    const f = (app: string) => `export const of_${app} = ${app}.function(async () => '${app}');\n`;
    await using project = await aProject({ 'src/app.ts': head + f('one') + f('app') });
    const built = (app?: string) =>
      createBuilder({ entry: 'src/app.ts', outDir: 'dist', projectRoot: project.root, app }).build();
    const namesOf = async (app?: string) => {
      const { manifest, exportNames } = await built(app);
      return [exportNames, manifest.functions.map(({ name }) => name)];
    };

    expect(await namesOf('one')).toEqual([['one'], ['of_one']]);
    expect(await namesOf('app')).toEqual([['app'], ['of_app']]);
    expect(await namesOf('nothing')).toEqual([['app'], ['of_app']]);
  });

  test('a syntax error is reported at its line', async () => {
    const { message } = await messageOf('\nexport const pay = app.function(async () => 1;');

    expect(message).toBe('src/app.ts:4: syntax error: Expected `,` or `)` but found `;`');
  });

  test('imports that lead nowhere are reported together', async () => {
    const { message, hint } = await messageOf(
      "import a from 'no-such-package';\nimport { b } from './gone.ts';\nconsole.log(a, b);",
    );

    expect(message).toBe(
      'src/app.ts:3: the package "no-such-package" is not installed\nsrc/app.ts:4: the import "./gone.ts" leads to no file',
    );
    expect(hint).toBe(
      "Run: npm install no-such-package. Or, if an image has it: image.imports(() => import('no-such-package')). Check the path and its extension.",
    );
  });

  test('a type imported as a value is explained', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}import { Page } from './page.ts';\n@app.cls()\nexport class Cart {\n  @method() read(page: Page) { return page; }\n}`,
      'src/page.ts': 'export interface Page { text: string }',
    });

    const { message, hint } = await project.mistake();

    expect(message).toBe('src/app.ts:3: "Page" is not exported by "src/page.ts"');
    expect(hint).toBe('Check the name; if "Page" is a type, write `import { type Page }`.');
  });

  test('an app that throws shows the stack in its own sources', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}import { load } from './load.ts';\nload();`,
      'src/load.ts': "export function load(): void {\n  throw new TypeError('no prices');\n}",
    });

    const { message } = await project.mistake();

    expect(message).toBe(
      'src/load.ts:2: the app failed while it was loading: TypeError: no prices\n' +
        '    at load (src/load.ts:2:9)\n    at src/app.ts:4:1',
    );
  });

  test('an app that ends the process is reported with what it printed', async () => {
    const { message, hint } = await messageOf("console.log('bye');\nprocess.exit(3);");

    expect(message).toBe(
      'src/app.ts: the app ended the process with code 3 while it was loading; it printed:\nbye',
    );
    expect(hint).toBe('At module level, do not call process.exit, nor await what never comes.');
  });

  test('code outside functions sees that it is being built', async () => {
    await using project = await aProject({
      'src/app.ts':
        "import { App } from 'gantry';\nexport const app = new App(`build-${process.env.GANTRY_BUILD}`);",
    });

    expect((await project.build()).manifest.appName).toBe('build-1');
  });
});
