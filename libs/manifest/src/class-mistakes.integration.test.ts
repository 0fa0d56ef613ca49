import { describe, expect, test } from 'vitest';

import { HEAD, messageOf } from './mistakes.fixture.ts';
import { aProject } from './project.fixture.ts';

describe('mistakes in app classes', () => {
  test('a constructor with parameters is refused', async () => {
    const { message, hint } = await messageOf(
      '@app.cls()\nexport class Cart {\n  constructor(readonly size: number) {}\n}',
    );

    expect(message).toBe('src/app.ts:5: the app class "Cart" has a constructor of its own');
    expect(hint).toContain('Declare values with @parameter() and do the work in an @enter() method.');
  });

  test('a constructor with parameters is fine in a class that a library makes', async () => {
    const source = `import 'reflect-metadata';
const injectable = () => (type: object) => type;
class Till {}
export const shop = new App('shop', { construct: (type) => new type(new Till()) });
@injectable() @shop.cls()
export class Cart {
  @parameter() size = 1;
  constructor(readonly till: Till) { till.valueOf(); }
}`;
    await using project = await aProject({
      'src/app.ts': `import { App, parameter } from 'gantry';\n${source}\nexport { shop as app };`,
    });

    const { manifest } = await project.build();

    expect(manifest.functions).toMatchObject([
      { name: 'Cart', parameters: [{ name: 'size', defaultValue: 1 }] },
    ]);
  });

  test('a class that a library should make needs an app that says how', async () => {
    const source = 'const injectable = () => (type: object) => type;\nclass Till {}\n';
    const { message, hint } = await messageOf(
      `${source}@injectable() @app.cls()\nexport class Cart { constructor(readonly till: Till) {} }`,
    );

    expect(message).toContain('the constructor of class "Cart" has parameters');
    expect(hint).toContain('construct: (type) => container.resolve(type)');
  });

  test('a constructor with a body is refused', async () => {
    const { message } = await messageOf(
      '@app.cls()\nexport class Cart {\n  constructor() { this.fill(); }\n  fill() {}\n}',
    );

    expect(message).toBe('src/app.ts:5: the app class "Cart" has a constructor of its own');
  });

  test('an empty constructor is harmless', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}@app.cls()\nexport class Cart { constructor() {} }`,
    });

    const { manifest } = await project.build();

    expect(manifest.functions.map(({ name }) => name)).toEqual(['Cart']);
  });

  test.each(['method', 'enter', 'exit', 'fastapiEndpoint'])(
    '@%s outside an app class is refused',
    async (name) => {
      const { message, hint } = await messageOf(`export class Cart {\n  @${name}() fill() {}\n}`);

      expect(message).toBe(`src/app.ts:4: "@${name}" stands in the class "Cart", which is no app class`);
      expect(hint).toBe('Put @app.cls() above the class.');
    },
  );

  test('a base class may carry members for the app classes that extend it', async () => {
    const source =
      'class Base {\n  @method() size(unit: string) { return unit; }\n}\n@app.cls()\nexport class Cart extends Base {}';
    await using project = await aProject({ 'src/app.ts': HEAD + source });

    const { manifest } = await project.build();

    expect(manifest.functions[0]?.methods).toMatchObject([
      { name: 'size', site: { line: 4 }, params: [{ name: 'unit' }] },
    ]);
  });

  test('@concurrent on a method is refused', async () => {
    const { message, hint } = await messageOf(
      '@app.cls()\nexport class Cart {\n  @method()\n  @concurrent({ maxInputs: 2 })\n  fill() {}\n}',
    );

    expect(message).toBe('src/app.ts:6: "@concurrent" stands above the method "fill"');
    expect(hint).toBe('Put it above the class "Cart": it counts for all methods.');
  });

  test('a method next to a batched one is refused', async () => {
    const { message, hint } = await messageOf(
      '@app.cls()\nexport class Cart {\n  @batched({ maxBatchSize: 2, waitMs: 5 })\n  fill(xs: number[]) { return xs; }\n' +
        '  @method() empty() {}\n  @batched({ maxBatchSize: 2, waitMs: 5 }) sort(xs: number[]) { return xs; }\n}',
    );

    expect(message).toBe(
      'src/app.ts:7: "empty" stands next to the batched method "fill" of "Cart"\n' +
        'src/app.ts:8: "sort" stands next to the batched method "fill" of "Cart"',
    );
    expect(hint).toContain('A batched method is the only method of its class');
  });

  test('@batched together with @method is refused', async () => {
    const { message } = await messageOf(
      '@app.cls()\nexport class Cart {\n  @method() @batched({ maxBatchSize: 2, waitMs: 5 }) fill(xs: number[]) { return xs; }\n}',
    );

    expect(message).toBe('src/app.ts:5: "fill" is both "@batched" and "@method"');
  });

  test('a batched generator is refused', async () => {
    const { message } = await messageOf(
      'export const fill = app.function({}, batched({ maxBatchSize: 2, waitMs: 5 }, function* (xs: number[]): any { yield xs; } as never));',
    );

    expect(message).toBe('src/app.ts:3: "fill" is batched and a generator');
  });

  test('the limits of a batch are checked where it stands', async () => {
    const { message } = await messageOf(
      'export const fill = app.function({}, batched({ maxBatchSize: 2_000, waitMs: 5 }, (xs: number[]) => xs));',
    );

    expect(message).toBe(
      'src/app.ts:3: @batched: maxBatchSize must be a whole number from 1 to 1000, not 2000',
    );
  });

  test.each([
    [
      'batched',
      'batched({ maxBatchSize: 2, waitMs: 5 }, (xs: number[]) => xs)',
      'Call the clustered function',
    ],
    ['concurrent', 'concurrent({ maxInputs: 2 }, async () => 1)', 'one call at a time'],
    ['a web function', 'fastapiEndpoint({}, async () => 1)', 'from an endpoint of its own'],
    ['a generator', 'async function* () { yield 1; }', 'Return one result'],
  ])('a clustered function that is %s is refused', async (also, inner, expected) => {
    const { message, hint } = await messageOf(
      `export const train = app.function({}, clustered({ size: 2 }, ${inner} as never));`,
    );

    expect(message).toBe(`src/app.ts:3: "train" is clustered and ${also}`);
    expect(hint).toContain(expected);
  });

  test('a clustered function that is to have no private network is refused', async () => {
    const { message, hint } = await messageOf(
      'export const train = app.function({ privateNetwork: false }, clustered({ size: 2 }, async () => 1));',
    );
    expect(message).toBe('src/app.ts:3: "train" is clustered and without a private network');
    expect(hint).toContain('Leave "privateNetwork: false" out');
  });

  test('a clustered class says so for all methods, and has a private network', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}@app.cls()\n@clustered({ size: 3 })\nexport class Team { @method() train() { return 1; } }`,
    });

    const { functions } = (await project.build()).manifest;

    expect(functions[0]?.options).toEqual({ cluster: { size: 3 }, privateNetwork: true });
    const { message } = await messageOf(
      '@app.cls()\nexport class Team {\n  @method() @clustered({ size: 3 }) train() { return 1; }\n}',
    );
    expect(message).toContain('"@clustered" stands above the method "train"');
  });

  test('a batched function is described by what its callers pass', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}export const add = app.function({ maxInputsPerContainer: 9 },
        batched({ maxBatchSize: 4, waitMs: 0 }, async (xs: number[], names: string[]) => xs.map((x, i) => names[i] + x)));`,
    });

    const { manifest } = await project.build();

    expect(manifest.functions[0]).toMatchObject({
      options: { maxInputsPerContainer: 9, batching: { maxBatchSize: 4, waitMs: 0 } },
      methods: [
        {
          handlerKind: 'async',
          callable: true,
          params: [
            { name: 'xs', type: { type: 'number' } },
            { name: 'names', type: { type: 'string' } },
          ],
        },
      ],
    });
  });

  test('a decorator without parentheses is refused', async () => {
    const { message, hint } = await messageOf('@app.cls\nexport class Cart {\n  @method fill() {}\n}');

    expect(message).toBe(
      'src/app.ts:3: the decorator "@app.cls" is used without parentheses\n' +
        'src/app.ts:5: the decorator "@method" is used without parentheses',
    );
    expect(hint).toBe('Write @app.cls(). Write @method().');
  });

  test.each(['enter', 'exit'])('@method together with @%s is refused', async (hook) => {
    const { message } = await messageOf(
      `@app.cls()\nexport class Cart {\n  @method() @${hook}() fill() {}\n}`,
    );

    expect(message).toBe(`src/app.ts:5: "fill" is both "@${hook}" and "@method"`);
  });

  test('a hook with parameters is refused', async () => {
    const { message } = await messageOf(
      '@app.cls()\nexport class Cart {\n  @enter() load(path: string) {}\n}',
    );

    expect(message).toBe('src/app.ts:5: the "@enter" method "load" takes parameters');
  });

  test('a class parameter of another type is refused', async () => {
    const { message, hint } = await messageOf(
      '@app.cls()\nexport class Cart {\n  @parameter() since!: Date;\n}',
    );

    expect(message).toBe('src/app.ts:5: the class parameter "since" has the type "Date"');
    expect(hint).toContain('Use string, number, boolean, bigint, Uint8Array or an enum');
  });

  test('all mistakes of a file come in one message, with details for programs', async () => {
    await using project = await aProject({
      'src/app.ts': `${HEAD}@app.cls()\nexport class Cart {\n  @method fill() {}\n  @enter() load(path: string) {}\n}`,
    });

    const error = await project.mistake();

    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.details).toMatchObject({
      file: 'src/app.ts',
      line: 5,
      mistakes: [{ line: 5 }, { line: 6 }],
    });
  });
});
